# In the place of Alertmanager's own image: Debian's programs under the names of that image, with its user and folder.
FROM base
RUN install -d -o 65534 -g 65534 /alertmanager && ln -s /usr/bin/prometheus-alertmanager /usr/local/bin/alertmanager
USER 65534:65534
WORKDIR /alertmanager
ENTRYPOINT ["alertmanager"]
