# In the place of Prometheus' own image: Debian's program, with the user and the folder of that image.
FROM base
RUN install -d -o 65534 -g 65534 /prometheus
USER 65534:65534
WORKDIR /prometheus
ENTRYPOINT ["prometheus"]
