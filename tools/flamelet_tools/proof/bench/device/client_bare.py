"""Sets the lower limit: writes the bytes of flamelet's request to an open blocking socket, and parses nothing."""

import socket

import config

host, port = config.URL.split("://")[1].split(":")
body = b'{"temperature_celsius":-100000000,"humidity_percent":900000000,"pressure_pascal":101325,"rssi_dbm":-61}'
head = "PUT /%s/-Oabcdefghijklmnopqr.json?print=silent&auth=%s HTTP/1.1\r\nHost: %s:%s\r\nContent-Length:%-6d\r\n\r\n"
request = (head % (config.PATH, config.TOKEN, host, port, len(body))).encode() + body


def connect():
    sock = socket.socket()
    sock.connect(socket.getaddrinfo(host, int(port))[0][-1])
    sock.setsockopt(6, 1, 1)
    if not config.CA:
        return sock
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED
    with open(config.CA, "rb") as file:
        context.load_verify_locations(cadata=file.read())
    return context.wrap_socket(sock, server_hostname=host)


def first_answer():
    """Return the answer to one request, read byte by byte; all answers are as long as this one."""
    sock.write(request)
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += sock.read(1)
    return bytearray(answer)


sock = connect()
answer = first_answer()


def push(a, b, c, d):
    sock.write(request)
    sock.readinto(answer)
    if answer[9] != 50:
        raise OSError(answer)
