# In the place of Temporal's own images: the programs that local/temporal.py has built from the same release.
FROM base
RUN groupadd --gid 1000 temporal && useradd --uid 1000 --gid 1000 --no-create-home temporal
COPY server /usr/local/bin/temporal-server
COPY sql /usr/local/bin/temporal-sql-tool
USER temporal
