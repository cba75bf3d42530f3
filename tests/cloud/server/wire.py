"""A TCP connection that can be cut: a port that leads to another one, or to a socket file."""

import asyncio
import contextlib


class Wire:
    """open: passes on; closed: refuses and resets; silent: takes bytes and loses them, as a cable that was pulled."""

    def __init__(self, loop, where):
        self.loop, self.where = loop, where  # (host, port), or a path
        self.state = "open"
        self.streams = set()
        self.server = self._call(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = self.server.sockets[0].getsockname()[1]

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def set(self, state):
        self._call(self._set(state))

    async def _set(self, state):
        was, self.state = self.state, state
        if state == "closed" or was == "silent":  # what was lost does not come again
            for writer in self.streams:
                writer.transport.abort()

    async def _reach(self):
        if isinstance(self.where, tuple):
            return await asyncio.open_connection(*self.where)
        return await asyncio.open_unix_connection(str(self.where))

    async def _accept(self, reader, writer):
        self.streams.add(writer)
        far = None
        try:
            if self.state == "closed":
                return
            far_reader, far = await self._reach()
            self.streams.add(far)
            await asyncio.gather(self._pass(reader, far), self._pass(far_reader, writer))
        except OSError:
            pass
        finally:
            for stream in filter(None, (writer, far)):
                self.streams.discard(stream)
                stream.transport.abort()

    async def _pass(self, reader, writer):
        while data := await reader.read(65536):
            if self.state != "silent":
                writer.write(data)
                await writer.drain()
        raise ConnectionResetError

    def close(self):
        with contextlib.suppress(OSError):
            self.set("closed")
        self.loop.call_soon_threadsafe(self.server.close)
