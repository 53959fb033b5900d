"""Chromium without a window, driven over the two pipes of its DevTools protocol: it visits, looks, clicks and takes pictures."""

import base64
import json
import os
import shutil
import subprocess
import urllib.parse

from .waiting import PATIENCE, wait_for

CHROMIUM = shutil.which('chromium')


class Chromium:
    """A browser with one tab. `close` ends it."""

    def __init__(self, folder):
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        # The browser reads commands from descriptor 3 and writes answers to 4.
        command = [CHROMIUM, '--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--no-first-run',
                   '--disable-background-networking', '--disable-component-update', '--no-proxy-server',
                   '--remote-debugging-pipe', f'--user-data-dir={folder / "chromium"}', 'about:blank']
        self._process = subprocess.Popen(
            ['sh', '-c', f'exec "$@" 3<&{commands} 4>&{answers}', 'sh', *command], pass_fds=(commands, answers),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(commands)
        os.close(answers)
        self._number, self._rest, self._session = 0, b'', None
        self.answers = {}  # of each document that the tab has shown: URL and status
        self._statuses = {}  # of each document that the tab loads: its loader and its status
        targets = self.call('Target.getTargets')['targetInfos']
        target = next(one['targetId'] for one in targets if one['type'] == 'page')
        self._session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in ('Page', 'Network', 'Runtime'):
            self.call(f'{domain}.enable')

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._commands)
        os.close(self._answers)

    def call(self, method, **parameters):
        """Sends one command and returns its result."""
        self._number += 1
        message = {'id': self._number, 'method': method, 'params': parameters}
        if self._session:
            message['sessionId'] = self._session
        os.write(self._commands, json.dumps(message).encode() + b'\0')
        while True:
            answer = self._next()
            if answer.get('id') == self._number:
                assert 'error' not in answer, f'{method}: {answer["error"]}'
                return answer['result']

    def _next(self):
        """The next message; events are noted on the way."""
        while b'\0' not in self._rest:
            part = os.read(self._answers, 1 << 20)
            assert part, 'chromium ended'
            self._rest += part
        text, _, self._rest = self._rest.partition(b'\0')
        message = json.loads(text)
        parameters = message.get('params')
        if message.get('method') == 'Network.responseReceived' and parameters['type'] == 'Document':
            self._statuses[parameters['loaderId']] = parameters['response']['status']
        # Between its answer and this event of a new page, scripts still run in the page before it.
        elif message.get('method') == 'Page.frameNavigated' and parameters['frame']['loaderId'] in self._statuses:
            self.answers[parameters['frame']['url']] = self._statuses.pop(parameters['frame']['loaderId'])
        return message

    def evaluate(self, script):
        """The value of a script in the page; of a promise, what it resolves to."""
        result = self.call('Runtime.evaluate', expression=script, awaitPromise=True, returnByValue=True)
        assert 'exceptionDetails' not in result, result['exceptionDetails']
        return result['result'].get('value')

    def _shown(self):
        """The address of the page that the tab shows, once all of it is there; None while the tab goes from one page to the next."""
        try:
            return self.evaluate('document.readyState == "complete" ? document.URL : null')
        except AssertionError as error:
            # The page went while its script ran.
            if 'navigated' in str(error) or 'context' in str(error):
                return None
            raise

    def _settled(self, url):
        # Without the fragment: a link within the page gets no answer.
        place = urllib.parse.urldefrag(url).url
        wait_for(f'{url} in the browser', lambda: self._shown() and (place in self.answers or not place.startswith('http')), PATIENCE)

    def visit(self, url):
        """Opens a page and waits for all of it; returns its status."""
        self.answers.clear()
        self.call('Page.navigate', url=url)
        self._settled(url)
        return self.answers[urllib.parse.urldefrag(url).url]

    def links(self):
        """The addresses that the page links to, as the browser resolves them."""
        return self.evaluate('[...new Set([...document.links].map(link => link.href))]')

    def click(self, address):
        """Clicks the first link to this address and waits for what follows; returns the address and its status."""
        self.answers.clear()
        before = self.evaluate('document.URL')
        self.evaluate(f'[...document.links].find(link => link.href == {json.dumps(address)}).click()')
        within = urllib.parse.urldefrag(before).url == urllib.parse.urldefrag(address).url and '#' in address
        if within:
            wait_for(f'the fragment of {address}', lambda: self.evaluate('document.URL') == address)
            return address, self.evaluate('document.querySelector(":target") ? 200 : 404')
        return self.arrived()

    def arrived(self):
        """Waits for the page that a click or a form leads to; returns its address and its status."""
        def shown():
            url = self._shown()
            status = url and self.answers.get(urllib.parse.urldefrag(url).url)
            return status and (url, status)
        return wait_for('an answer in the browser', shown)

    def look(self, width, height, dark):
        """Size of the window and colour scheme, for the pages that follow."""
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}])

    def picture(self, file):
        """The whole page as PNG, also what is below the window."""
        size = self.call('Page.getLayoutMetrics')['cssContentSize']
        shot = self.call('Page.captureScreenshot', captureBeyondViewport=True,
                         clip={'x': 0, 'y': 0, 'width': size['width'], 'height': min(size['height'], 4000), 'scale': 1})
        file.write_bytes(base64.b64decode(shot['data']))
