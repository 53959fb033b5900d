"""Valid and invalid authorities and certificates, made with the openssl command when a test needs them."""

import subprocess
import time

_EXTENSIONS = """\
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = {names}
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectAltName = {names}
"""
LOCALHOST = 'DNS:localhost, IP:127.0.0.1'
P256 = 'EC', 'ec_paramgen_curve:P-256'


def _openssl(folder, *words):
    subprocess.run(['openssl', *[str(word) for word in words]], cwd=folder, check=True, capture_output=True,
                   stdin=subprocess.DEVNULL)


def _configuration(folder, name, names=LOCALHOST):
    file = folder / f'{name}.cnf'
    file.write_text(_EXTENSIONS.format(names=names))
    return file


def _key(folder, name, kind=P256):
    algorithm, option = kind
    _openssl(folder, 'genpkey', '-algorithm', algorithm, '-pkeyopt', option, '-out', f'{name}.key')


def make_authority(folder, name):
    """`name`.pem and `name`.key: a certificate authority."""
    _key(folder, name)
    _openssl(folder, 'req', '-x509', '-new', '-key', f'{name}.key', '-out', f'{name}.pem', '-subj', f'/CN={name}',
             '-days', 30, '-config', _configuration(folder, name), '-extensions', 'authority')


def make_client(folder, name, authority, names, seconds=None):
    """`name`.pem and `name`.key for a client, signed by the authority; it ends after so many seconds."""
    make_server(folder, name, authority, names, extensions='client')
    if seconds:
        _sign_again(folder, name, authority, 'client', 0, seconds)


def _sign_again(folder, name, authority, extensions, begin, end):
    """Valid from `begin` to `end`, in seconds from now. The command `x509` counts in days, and since OpenSSL 3.5 only forwards."""
    (folder / 'index').write_text('')
    file = folder / f'{name}.cnf'
    file.write_text(file.read_text() + '[signing]\ndatabase = index\nnew_certs_dir = .\ndefault_md = sha256\nrand_serial = yes\npolicy = any\n'
                    '[any]\ncommonName = supplied\n')
    begin, end = (time.strftime('%y%m%d%H%M%SZ', time.gmtime(time.time() + seconds)) for seconds in (begin, end))
    _openssl(folder, 'ca', '-batch', '-notext', '-name', 'signing', '-config', file, '-in', f'{name}.csr', '-cert', f'{authority}.pem',
             '-keyfile', f'{authority}.key', '-extensions', extensions, '-startdate', begin, '-enddate', end, '-out', f'{name}.pem')


def make_server(folder, name, authority=None, names=LOCALHOST, expired=False, extensions='server', key=P256):
    """`name`.pem and `name`.key for a server, signed by the authority or, without one, by itself."""
    _key(folder, name, key)
    configuration = _configuration(folder, name, names)
    subject = ['-new', '-key', f'{name}.key', '-subj', f'/CN={name}', '-config', configuration]
    if authority is None:
        _openssl(folder, 'req', '-x509', *subject, '-out', f'{name}.pem', '-days', 30, '-extensions', extensions)
        return
    _openssl(folder, 'req', *subject, '-out', f'{name}.csr')
    _openssl(folder, 'x509', '-req', '-in', f'{name}.csr', '-CA', f'{authority}.pem', '-CAkey', f'{authority}.key',
             '-CAcreateserial', '-out', f'{name}.pem', '-days', 30, '-extfile', configuration, '-extensions', extensions)
    if expired:
        _sign_again(folder, name, authority, extensions, -2 * 86400, -86400)
