#!/usr/bin/env python3
"""A hub on this machine for hub.sh, which answers as Hugging Face's does or as a hostile one.

    _hub_server.py FOLDER LOG PORTS

FOLDER has ORG/NAME/FILES. Two servers start on free ports, which PORTS gets: the hub, and another host, to
which files of weights are redirected. LOG gets a line for each request: host, path, range, If-Range, token.
What a repository's name says is how it is served.
"""
import json
import os
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

folder, log_path, ports_path = sys.argv[1:]
commit = "0123456789abcdef0123456789abcdef01234567"
log_lock = threading.Lock()
counts = {}
ports = {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def note(self):
        words = [self.server.name, self.command, self.path, self.headers.get("Range", "-"),
                 self.headers.get("If-Range", "-"), self.headers.get("Authorization", "-")]
        with log_lock:
            with open(log_path, "a") as log:
                log.write(" ".join(words) + "\n")
            counts[self.path] = counts.get(self.path, 0) + 1
            return counts[self.path]

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def redirect(self, status, target):
        # Of files that others have, the hub says the entity that it links, by a name that they need not have.
        self.answer(status, b"", [("Location", target), ("X-Repo-Commit", commit), ("X-Linked-ETag", '"linked"'),
                                  ("X-Linked-Size", "1"), ("X-Xet-Hash", "0" * 64), ("ETag", '"redirect"')])

    def do_GET(self):
        count = self.note()
        path = unquote(urlsplit(self.path).path)
        if path == "/api/models":
            return self.answer(200, json.dumps([{"id": "ORG/small"}, {"id": "ORG/smaller"}]).encode())
        listed = re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/(.+)", path)
        if listed:
            return self.list(listed[1], listed[2])
        wanted = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        if wanted:
            return self.file(wanted[1], wanted[3], count)
        self.answer(404)

    def list(self, name, revision):
        kind = name.split("/")[1]
        if kind == "gated":
            return self.answer(403, b"", [("X-Error-Code", "GatedRepo"), ("X-Error-Message", "ask for access")])
        if kind == "private" and self.headers.get("Authorization") != "Bearer hf_secret":
            return self.answer(401, b"", [("X-Error-Code", "RepoNotFound")])
        if kind == "limited":
            return self.answer(429, b"", [("Retry-After", "17")])
        if kind == "failing":
            return self.answer(500)
        if kind == "unlisted":
            return self.answer(404)
        if kind == "circular":
            return self.redirect(302, self.path + "x" if len(self.path) < 90 else self.path)
        if kind == "downgrade":
            return self.redirect(302, "http://example.com/list")
        if kind == "headers":
            self.send_response(200)
            for i in range(4000):
                self.send_header(f"X-Bomb-{i}", "x" * 200)
            return self.end_headers()
        if kind == "moved":
            return self.redirect(307, self.path.replace("moved", "small"))
        root = os.path.join(folder, name)
        if not os.path.isdir(root):
            return self.answer(404, b"", [("X-Error-Code", "RepoNotFound")])
        if revision not in ("main", "v2", commit):
            return self.answer(404, b"", [("X-Error-Code", "RevisionNotFound")])
        files = [os.path.relpath(os.path.join(at, file), root) for at, _, names in os.walk(root) for file in names]
        siblings = [{"rfilename": file} for file in sorted(files)]
        self.answer(200, json.dumps({"id": name, "sha": commit, "gated": False, "siblings": siblings}).encode())

    def file(self, name, file, count):
        kind = name.split("/")[1]
        if kind == "moved":
            return self.redirect(307, self.path.replace("moved", "small"))
        if kind == "gatedfiles":  # whose list is open
            status = 403 if self.headers.get("Authorization") else 401
            return self.answer(status, b"", [("X-Error-Code", "GatedRepo"), ("X-Error-Message", "Access is restricted.")])
        is_weight = file.endswith((".safetensors", ".gguf"))
        if self.server.name == "hub" and is_weight and kind != "direct":
            other = "http://localhost:%d%s?signature=hidden" % (ports["other"], self.path)
            return self.redirect(302, other)
        try:
            with open(os.path.join(folder, name, file), "rb") as opened:
                data = opened.read()
        except OSError:
            return self.answer(404, b"", [("X-Error-Code", "EntryNotFound")])
        etag = '"%d-%s"' % (len(data), kind)
        if kind in ("changing", "changed") and is_weight:
            etag = '"%d"' % count
            data = data[:-1] + bytes([count % 256])
        begin, end, status = 0, len(data), 200
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        is_same = kind == "changing" or self.headers.get("If-Range", etag) == etag
        if wanted and is_same and kind not in ("rangeless", "endless"):
            begin, status = int(wanted[1]), 206
            end = min(int(wanted[2]) + 1, len(data)) if wanted[2] else len(data)
            if begin >= len(data):
                return self.answer(416, b"", [("Content-Range", "bytes */%d" % len(data))])
        body = data[begin:end]
        total = len(data) + (1000 if kind == "longer" and is_weight else 0)
        self.send_response(status)
        self.send_header("ETag", etag)
        self.send_header("X-Repo-Commit", commit)
        if status == 206:
            shown = begin + 1 if kind == "shifted" else begin
            self.send_header("Content-Range", "bytes %d-%d/%d" % (shown, end - 1, total))
        endless = kind == "endless" and is_weight
        self.send_header("Content-Length", str(1 << 40 if endless else len(body)))
        self.end_headers()
        if kind.startswith("cut") and file != "config.json" and (kind == "cutalways" or count == 1):
            self.wfile.write(body[: max(1, len(body) // 2)])
            self.wfile.flush()
            self.connection.shutdown(2)
            self.close_connection = True
            return
        if kind == "slow":
            try:
                for i in range(600):
                    self.wfile.write(body[i : i + 1])
                    self.wfile.flush()
                    time.sleep(0.1)
            except OSError:
                pass
            self.close_connection = True
            return
        try:
            self.wfile.write(body)
            while endless:
                self.wfile.write(b"\0" * 65536)
        except OSError:
            self.close_connection = True


class Server(ThreadingHTTPServer):
    def handle_error(self, request, address):
        pass  # the program closes connections when it has enough


for name in ("hub", "other"):
    server = Server(("127.0.0.1", 0), Handler)
    server.name = name
    server.daemon_threads = True
    ports[name] = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
with open(ports_path + ".new", "w") as out:
    out.write("%d %d\n" % (ports["hub"], ports["other"]))
os.rename(ports_path + ".new", ports_path)
threading.Event().wait()
