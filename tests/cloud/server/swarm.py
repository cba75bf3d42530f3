"""Some hundred devices in one thread, which keep their own book of what they were told, offered and acknowledged."""

import asyncio
import hashlib
import json
import ssl
import struct
import threading
import urllib.parse

import server as s

ANSWER_S = 6  # what a device waits for an answer before it connects anew
TROUBLE = (OSError, EOFError, asyncio.TimeoutError, ssl.SSLError, ValueError)


class Refused(OSError):
    pass


class Link:
    """One MQTT connection."""

    def __init__(self, number):
        self.number = number
        self.offers = asyncio.Queue()
        self.acknowledged = {}
        self.next_id = 0

    async def open(self, port, source, context, token):
        self.reader, self.writer = await asyncio.wait_for(asyncio.open_connection(
            "127.0.0.1", port, local_addr=(source, 0), ssl=context, server_hostname="localhost" if context else None), ANSWER_S)
        body = s.text("MQTT") + bytes([4, 0xC2]) + struct.pack(">H", 45) + s.text("") + s.text("device") + s.text(token)
        self.writer.write(s.packet(0x10, body))
        kind, answer = await self._packet()
        if kind != 0x20 or answer[1] != 0:
            raise Refused(answer[1] if kind == 0x20 else kind)

    async def _packet(self, limit=ANSWER_S):
        kind = (await asyncio.wait_for(self.reader.readexactly(1), limit))[0]
        size = shift = 0
        while True:
            digit = (await asyncio.wait_for(self.reader.readexactly(1), ANSWER_S))[0]
            size, shift = size | (digit & 0x7F) << shift, shift + 7
            if not digit & 0x80:
                return kind, await asyncio.wait_for(self.reader.readexactly(size), ANSWER_S)

    async def listen(self):
        while True:
            kind, body = await self._packet(None)
            if kind >> 4 == 3:
                length = struct.unpack(">H", body[:2])[0]
                topic, rest = body[2:2 + length].decode(), body[2 + length:]
                if topic == "downlink/ota/json":
                    self.offers.put_nowait(json.loads(rest))
            elif kind >> 4 == 4:
                self.acknowledged.pop(struct.unpack(">H", body[:2])[0], asyncio.Event()).set()

    async def publish(self, topic, payload):
        self.next_id += 1
        self.acknowledged[self.next_id] = done = asyncio.Event()
        self.writer.write(s.packet(0x32, s.text(topic) + struct.pack(">H", self.next_id) + payload.encode()))
        await asyncio.wait_for(done.wait(), ANSWER_S)

    def close(self):
        self.writer.transport.abort()


class Pump:
    """It takes what it is offered; at times it loses its power in the middle, or comes back while its old connection still
    seems to stand."""

    def __init__(self, swarm, device, number):
        self.swarm, self.id, self.token, self.number = swarm, device["id"], device["token"], number
        self.version = "1.0.0"
        self.links = 0
        self.online = False
        self.offers = []  # (version, number of the link)
        self.counted = self.acknowledged = 0
        self.locked_out = 0  # refused for its token, after it had been let in with it

    async def run(self):
        while not self.swarm.stopping:
            try:
                await self._live()
            except Refused as refused:
                self.locked_out += refused.args[0] == 4 and self.offers != []
            except TROUBLE:
                pass
            self.online = False
            await asyncio.sleep(self.swarm.random.uniform(0.05, 0.5))

    async def _live(self):
        self.links += 1
        link = Link(self.links)
        secure = self.number % 4 == 0
        await link.open(self.swarm.secure_port if secure else self.swarm.port, self.swarm.source,
                        self.swarm.context if secure else None, self.token)
        listening = asyncio.create_task(link.listen())
        listening.add_done_callback(lambda task: task.cancelled() or task.exception())
        stays = False
        try:
            await link.publish("info/mcu", json.dumps({"tmpl": s.TEMPLATE, "ver": self.version, "build": "", "type": "pump",
                                                       "rxbuff": 1024}))
            self.online = True
            stays = await self._serve(link, listening)
        finally:
            if stays:
                asyncio.get_running_loop().call_later(10, self._forget, link, listening)
            else:
                self._forget(link, listening)

    def _forget(self, link, listening):
        listening.cancel()
        link.close()
        while not link.offers.empty():
            self.offers.append((link.offers.get_nowait()["ver"], link.number))

    async def _serve(self, link, listening):
        """Until the connection is over. True: the device is gone, and its connection stays."""
        chance = self.swarm.random
        while not self.swarm.stopping and not listening.done():
            try:
                offer = await asyncio.wait_for(link.offers.get(), chance.uniform(0.5, 3))
            except asyncio.TimeoutError:
                self.counted += 1
                await link.publish("ds/count", str(self.counted))
                self.acknowledged = self.counted
                if self.swarm.rough and chance.random() < 0.02:
                    return True
                continue
            self.offers.append((offer["ver"], link.number))
            if self.swarm.rough and chance.random() < 0.1:
                return False  # no power, before it has the file
            if await self._download(offer):
                await asyncio.sleep(chance.uniform(0, 0.5))
                self.version = offer["ver"]
            return False
        return False

    async def _download(self, offer):
        parts = urllib.parse.urlsplit(offer["url"])
        reader, writer = await asyncio.wait_for(asyncio.open_connection(parts.hostname, parts.port), ANSWER_S)
        try:
            writer.write(f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
            answer = await asyncio.wait_for(reader.read(-1), ANSWER_S)
        finally:
            writer.transport.abort()
        head, _, body = answer.partition(b"\r\n\r\n")
        good = head.startswith(b"HTTP/1.1 200 ")
        if good and len(body) == offer["size"] and hashlib.sha256(body).digest() != hashlib.sha256(s.plain(offer["ver"])).digest():
            self.swarm.wrong.append(f"{self.id} got another file than {offer['ver']}")
        return good and len(body) == offer["size"]


class Swarm:
    def __init__(self, random, port, secure_port, authority, source):
        self.random, self.port, self.secure_port, self.source = random, port, secure_port, source
        self.context = ssl.create_default_context(cafile=str(authority.certificate))
        self.stopping = self.rough = False
        self.pumps, self.tasks, self.wrong = [], [], []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def add(self, device):
        pump = Pump(self, device, len(self.pumps))
        self.pumps.append(pump)
        self.tasks.append(asyncio.run_coroutine_threadsafe(pump.run(), self.loop))

    def stop(self):
        self.stopping = True
        for task in self.tasks:
            task.result(s.LIMIT)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(s.LIMIT)
