"""Basic authentication: hashes for the web configuration, and the header of a request."""

import base64
import subprocess


def hash_of(password, cost=5):
    done = subprocess.run(['htpasswd', '-nbBC', str(cost), '', password], capture_output=True, text=True, check=True)
    return done.stdout.strip().lstrip(':')


def one_user(password, cost=5):
    """A web configuration with the user `prometheus`."""
    return f"basic_auth_users: {{prometheus: '{hash_of(password, cost)}'}}\n"


def basic(user, password):
    return {'Authorization': 'Basic ' + base64.b64encode(f'{user}:{password}'.encode()).decode()}
