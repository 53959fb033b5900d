"""A network of the test's own, in which links can be cut and packets dropped without effect on other tests.

The process of the test moves into network and mount namespaces that end with it, together with what it starts from then on. A
process that keeps a namespace of its own open serves as the second host at the other end of a wire.
"""

import contextlib
import ctypes
import os
import re
import shutil
import subprocess

_LIBC = ctypes.CDLL(None, use_errno=True)
_NEW_MOUNTS, _NEW_NETWORK = 0x0002_0000, 0x4000_0000


def why_not(*programs):
    """Why such a test cannot run here; None if it can."""
    if os.geteuid() != 0:
        return 'needs root for namespaces'
    missing = [name for name in ('ip', *programs) if shutil.which(name) is None]
    if missing:
        return f'not installed: {" ".join(missing)}'
    probe = subprocess.run(['unshare', '--net', '--mount', 'true'], capture_output=True, check=False)
    return None if probe.returncode == 0 else 'namespaces cannot be made here'


def run(*words):
    subprocess.run([str(word) for word in words], check=True, capture_output=True, stdin=subprocess.DEVNULL)


class OwnNetwork:
    """From the moment it is made this process has a loopback of its own and nothing else. Once a process, before any thread."""

    def __init__(self, folder):
        self.folder = folder
        if _LIBC.unshare(_NEW_NETWORK | _NEW_MOUNTS) != 0:
            raise OSError(ctypes.get_errno(), 'unshare')
        run('mount', '--make-rprivate', '/')
        run('ip', 'link', 'set', 'lo', 'up')
        self.far = None

    def addresses(self, *addresses):
        """Further addresses of this host."""
        for address in addresses:
            run('ip', 'address', 'add', f'{address}/32', 'dev', 'lo')

    def _replace(self, path, text):
        own = self.folder / path.strip('/').replace('/', '_')
        fresh = not own.exists()
        own.write_text(text)
        if fresh:
            run('mount', '--bind', own, path)

    def hosts(self, **names):
        """What names mean: name=[address, ...]; in place of all that was known."""
        self._replace('/etc/hosts', ''.join(f'{address} {name}\n' for name, found in names.items() for address in found))

    def resolver(self, address):
        """The DNS server that is asked for everything."""
        self._replace('/etc/nsswitch.conf', 'passwd: files\nhosts: files dns\n')
        self._replace('/etc/resolv.conf', f'nameserver {address}\n')

    def filter(self, *rules):
        """The rules that packets to this host meet, in place of those before; none lets everything pass."""
        text = 'table inet fault\ndelete table inet fault\ntable inet fault { chain arriving { type filter hook input priority 0;\n'
        subprocess.run(['nft', '-f', '-'], input=text + '\n'.join(rules) + '\n}\n}\n', text=True, check=True, capture_output=True)

    def dropped(self):
        """How many packets the rules with a counter have met."""
        listed = subprocess.run(['nft', 'list', 'ruleset'], check=True, capture_output=True, text=True).stdout
        return sum(int(count) for count in re.findall(r'counter packets (\d+)', listed))

    def second_host(self, holder, near='198.18.0.1', far='198.18.0.2'):
        """A wire to a host of its own, which is the process `holder`: one that runs under `unshare --net`."""
        ours = os.stat('/proc/self/ns/net').st_ino
        holder.expect('namespace', lambda: os.stat(f'/proc/{holder.process.pid}/ns/net').st_ino != ours)
        self.far = holder.process.pid
        run('ip', 'link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far', 'netns', self.far)
        run('ip', 'address', 'add', f'{near}/30', 'dev', 'near')
        run('ip', 'link', 'set', 'near', 'up')
        inside = ['nsenter', '-t', self.far, '-n']
        run(*inside, 'ip', 'link', 'set', 'lo', 'up')
        run(*inside, 'ip', 'address', 'add', f'{far}/30', 'dev', 'far')
        run(*inside, 'ip', 'link', 'set', 'far', 'up')

    @contextlib.contextmanager
    def over_there(self):
        """What this thread opens meanwhile is on the second host."""
        with open('/proc/thread-self/ns/net', 'rb') as here, open(f'/proc/{self.far}/ns/net', 'rb') as there:
            if _LIBC.setns(there.fileno(), _NEW_NETWORK) != 0:
                raise OSError(ctypes.get_errno(), 'setns')
            try:
                yield
            finally:
                _LIBC.setns(here.fileno(), _NEW_NETWORK)

    def wire(self, up):
        run('ip', 'link', 'set', 'near', 'up' if up else 'down')
