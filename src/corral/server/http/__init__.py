"""HTTPS in front of the API: aiohttp on uvloop, TLS with optional client certificates, keep-alive, gzip, watch streams.

aiohttp parses (`connection`), a request is made of that (`reading`), the server answers it (`listening`), and the answer is
written in one piece (`writing`) or goes on (`streaming`). Outside: what a request means, and who may ask; who may connect, and
how long he may say nothing (`base.http`).
"""

from corral.server.http.listening import HttpServer
from corral.server.http.reading import Query

__all__ = ["HttpServer", "Query"]
