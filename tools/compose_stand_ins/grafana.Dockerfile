# In the place of Grafana: no dashboards, but a program that asks the data source what each panel of ours asks it.
FROM base
COPY grafana.py /usr/local/bin/grafana
RUN groupadd --gid 472 grafana && useradd --uid 472 --gid 472 --no-create-home grafana \
 && install -d -o 472 -g 472 /var/lib/grafana /etc/grafana/provisioning
USER 472
CMD ["grafana"]
