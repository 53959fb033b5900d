"""POSTs a body in each way that Python documents, and PUTs without one. Arguments: URL to POST to, URL to PUT to or "-", body, header
fields. In the body WAY stands for the name of the way. Prints each way with its status."""

import http.client
import io
import ssl
import sys
import urllib.parse
import urllib.request

URL, PUT, TEXT = sys.argv[1:4]
FIELDS = dict(field.split(': ', 1) for field in sys.argv[4:])


def body(way):
    return TEXT.replace('WAY', way).encode()


def plain(way, data, url=URL, method='POST'):
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == 'https':
        connection = http.client.HTTPSConnection(parts.netloc, context=ssl.create_default_context())
    else:
        connection = http.client.HTTPConnection(parts.netloc)
    connection.request(method, parts.path, data, FIELDS)
    print(way, connection.getresponse().status)
    connection.close()


def urllib_(way, data, url=URL, method='POST'):
    request = urllib.request.Request(url, data, FIELDS, method=method)
    with urllib.request.urlopen(request) as answer:
        print(way, answer.status)


def main():
    plain('bytes', body('bytes'))
    plain('file', io.BytesIO(body('file')))
    plain('pieces', (body('pieces')[at:at + 1000] for at in range(0, len(body('pieces')), 1000)))
    urllib_('urllib', body('urllib'))
    urllib_('urllib_file', io.BytesIO(body('urllib_file')))
    if PUT != '-':
        plain('put', None, PUT.replace('WAY', 'put'), 'PUT')
        urllib_('put_urllib', None, PUT.replace('WAY', 'put_urllib'), 'PUT')
    try:
        import requests
    except ImportError:
        return
    for way, data in (('requests', body('requests')), ('requests_pieces', iter([body('requests_pieces')]))):
        print(way, requests.post(URL, data, headers=FIELDS).status_code)
    if PUT != '-':
        print('put_requests', requests.put(PUT.replace('WAY', 'put_requests'), headers=FIELDS).status_code)


if __name__ == '__main__':
    main()
