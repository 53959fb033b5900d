"""kallglot_simulator on the server's core: for what nginx cannot do: slow answers, for example."""

import json
import pathlib
import ssl
import subprocess
import urllib.request

from .clients import BINARY_DIR
from .process import SERVER_CORE, on_core, wait_until


class Rehearsal:
    """Ended with the block. The same attributes as a Server."""

    def __init__(self, folder: pathlib.Path, *flags):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.ca_file = folder, folder / 'ca.pem'
        self.process = subprocess.Popen(on_core(SERVER_CORE, [BINARY_DIR / 'kallglot_simulator', '--listen-address', '127.0.0.1:0',
                                                              '--state-dir', folder, '--arrival-rate', '0', '--active', '1000h-2000h',
                                                              *flags]), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def __enter__(self):
        address = self.folder / 'address'
        wait_until('the simulator', address.exists, 60)
        self.port = int(address.read_text().strip().rpartition(':')[2])
        self.url = f'https://localhost:{self.port}/v1'
        self.key = (self.folder / 'api_key').read_text().strip()
        self.sessions_file = self.folder / 'sessions.txt'
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def stats(self):
        context = ssl.create_default_context(cafile=str(self.ca_file))
        with urllib.request.urlopen(f'https://127.0.0.1:{self.port}/_stats', timeout=20, context=context) as answer:
            return json.load(answer)
