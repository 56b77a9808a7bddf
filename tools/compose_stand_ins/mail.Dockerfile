# In the place of Mailpit: takes every mail, and says how many there are.
FROM base
COPY mail.py /mailpit
CMD ["/mailpit"]
