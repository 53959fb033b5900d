"""Valid and invalid authorities and certificates, made with the openssl command when a test needs them."""

import subprocess

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


def _openssl(folder, *words):
    subprocess.run(['openssl', *[str(word) for word in words]], cwd=folder, check=True, capture_output=True,
                   stdin=subprocess.DEVNULL)


def _configuration(folder, name, names=LOCALHOST):
    file = folder / f'{name}.cnf'
    file.write_text(_EXTENSIONS.format(names=names))
    return file


def _key(folder, name):
    _openssl(folder, 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', f'{name}.key')


def make_authority(folder, name):
    """`name`.pem and `name`.key: a certificate authority."""
    _key(folder, name)
    _openssl(folder, 'req', '-x509', '-new', '-key', f'{name}.key', '-out', f'{name}.pem', '-subj', f'/CN={name}',
             '-days', 30, '-config', _configuration(folder, name), '-extensions', 'authority')


def make_client(folder, name, authority, names):
    """`name`.pem and `name`.key for a client, signed by the authority."""
    make_server(folder, name, authority, names, extensions='client')


def make_server(folder, name, authority=None, names=LOCALHOST, expired=False, extensions='server'):
    """`name`.pem and `name`.key for a server, signed by the authority or, without one, by itself."""
    _key(folder, name)
    configuration = _configuration(folder, name, names)
    subject = ['-new', '-key', f'{name}.key', '-subj', f'/CN={name}', '-config', configuration]
    if authority is None:
        _openssl(folder, 'req', '-x509', *subject, '-out', f'{name}.pem', '-days', 30, '-extensions', extensions)
        return
    _openssl(folder, 'req', *subject, '-out', f'{name}.csr')
    # x509 can only count days from now; a certificate of yesterday is one of -1 day.
    _openssl(folder, 'x509', '-req', '-in', f'{name}.csr', '-CA', f'{authority}.pem', '-CAkey', f'{authority}.key',
             '-CAcreateserial', '-out', f'{name}.pem', '-days', -1 if expired else 30, '-extfile', configuration,
             '-extensions', extensions)
