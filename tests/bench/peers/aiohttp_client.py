#!/usr/bin/env python3
"""The same work with aiohttp: every connection asks again as soon as it was answered.

  aiohttp_client.py URL CA_FILE KEY SESSIONS CONNECTIONS
"""

import asyncio
import datetime
import ssl
import sys

import aiohttp


async def poll(client, url, first, sessions, step):
    number = first
    while True:
        identifier = f'sess_{number % sessions:026}'
        async with client.get(f'{url}/sessions/{identifier}') as response:
            session = await response.json()
        assert session['id'] == identifier and session['status']
        for field in ('created_at', 'started_at', 'ended_at'):
            if session[field]:
                datetime.datetime.fromisoformat(session[field].replace('Z', '+00:00'))
        number += step


async def main():
    url, ca_file, key, sessions, connections = *sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5])
    connector = aiohttp.TCPConnector(limit=connections, ssl=ssl.create_default_context(cafile=ca_file))
    async with aiohttp.ClientSession(connector=connector, headers={'Authorization': f'Bearer {key}'}) as client:
        await asyncio.gather(*[poll(client, url, first, sessions, connections) for first in range(connections)])


asyncio.run(main())
