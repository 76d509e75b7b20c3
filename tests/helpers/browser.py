"""Pages as a browser shows them: headless Chromium, without a network."""

import html
import json
import re
import shutil
import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest


def command_of(profile):
    """Chromium's command line, without a page; skips where there is none. `profile`: new folder for its own files."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no Chromium is installed to open the page in")
    return [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={profile}",
    ]  # fmt: skip


def read_page(page, profile):
    """What a page's script leaves as JSON in its <pre> at once."""
    command = [*command_of(profile), "--virtual-time-budget=20000", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    said = re.search(r"<pre>(.*?)</pre>", done.stdout, re.S)
    assert said, done.stderr[-2000:]
    return json.loads(html.unescape(said.group(1)))


def hear_page(page, profile, seconds=300):
    """What a page posts as JSON to the server that it comes from, however long its work takes."""
    heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.read_bytes() if self.path == "/" else b"")

        def do_POST(self):
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.timeout = seconds
        address = f"http://127.0.0.1:{server.server_port}/"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        browser = subprocess.Popen([*command_of(profile), "--remote-debugging-port=0", address], **quiet)
        server.handle_timeout = lambda: heard.append(f"nothing in {seconds} s")
        try:
            while not heard:
                server.handle_request()
        finally:
            browser.terminate()
            browser.wait()
    return heard[0]
