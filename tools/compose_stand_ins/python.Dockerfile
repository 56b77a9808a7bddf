# In the place of Docker's own Python: Debian's, under the names that ours has, with the authorities that this machine
# believes (a workplace may have one of its own).
FROM base
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
RUN ln -sf /usr/bin/python3 /usr/local/bin/python3 && ln -sf /usr/bin/python3 /usr/local/bin/python
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt
