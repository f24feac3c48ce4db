"""Canaries: what nobody may read, in every spelling in which it could be hidden, and the search for any trace of it."""

from __future__ import annotations

import base64
import codecs
import html
import json
import re
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import quote, quote_plus, unquote

VARIABLES: Final = {
    "OPENAI_API_KEY": "sk-proj-CanaryOfOpenAi4711abcdefGHIJ",
    "ANTHROPIC_API_KEY": "sk-ant-api03-CanaryOfAnthropic_4712-xyz",
    "MY_SESSION_TOKEN": "canary.of no form! at all",
    "HTTPS_PROXY": "http://canaryproxyuser:canaryproxyword@canaryproxy.milchester.example:3128",
    "UV_EXTRA_INDEX_URL": "https://canaryindexuser:canaryindexword@canaryindex.milchester.example/simple?sig=canarysignature",
    "NO_PROXY": "localhost,canarynoproxy.milchester.example",
    "HOME": "/srv/people/canarymarple",
    "USER": "canarymarple",
    "HOSTNAME": "canaryhost-17",
}
KNOWN: Final = (
    "sk-proj-CanaryOfOpenAi4711abcdefGHIJ",
    "sk-ant-api03-CanaryOfAnthropic_4712-xyz",
    "canary.of no form! at all",
    "canaryproxyuser",
    "canaryproxyword",
    "canaryproxy.milchester.example",
    "canaryindexuser",
    "canaryindexword",
    "canaryindex.milchester.example",
    "canarysignature",
    "canarynoproxy.milchester.example",
    "/srv/people/canarymarple",
    "canarymarple",
    "canaryhost-17",
)
"""Known to the process by their letters: found in every spelling."""

FORMED: Final = (
    "sk-proj-StrangerCanary0815abcdefgh",
    "AIzaStrangerCanary0815abcdefghijklmnop",
    "ghp_StrangerCanary0815abcdefghijklmnop",
    "eyJhbGciOiJIUzI1NiJ9.StrangerCanary0815.sigsigsig",
    "stranger.canary0815@milchester.example",
    "10.47.11.99",
)
"""Known by their form alone, of somebody else: found in every spelling, too."""

PLACED: Final = {
    "Authorization: Bearer {}": "PlacedCanary-4711.x",
    "'authorization', 'Token {}'": "PlacedCanary4711x",
    "{{b'proxy-authorization': b'Basic {}'}}": "UGxhY2VkQ2FuYXJ5NDcxMTp4eHh4",
    "x-api-key: {}": "PlacedCanary-value",
    "'x-goog-api-key': '{}'": "PlacedCanary-value",
    "Cookie: sid={}; theme=dark": "PlacedCanaryCookie",
    "('set-cookie', 'sid={}; Path=/')": "PlacedCanaryCookie",
    "GET https://h.example/v1?alt=sse&key={}&x=1": "PlacedCanaryKey",
    "https://{}@index.example/simple": "placedcanary:word",
    "postgresql://app:{}@db.example/x": "PlacedCanaryWord",
    "curl -u me:{} -s": "PlacedCanaryWord",
    "curl --user=me:{} -s": "PlacedCanaryWord",
    '{{"api-key": "{}"}}': "PlacedCanaryKey",
    "DB_PASSWORD='{}'": "PlacedCanaryWord",
    "aws_secret_access_key = {}": "PlacedCanary/K7MDENG/bPxRfiCY",
    "http://{}/simple/openai/": "placedcanaryindex.internal",
    "{{'role': 'user', 'content': '{}'}}": "placed canary prompt",
    'ChatCompletionMessage(content="{}", role="assistant")': "placed canary answer",
    "1 validation error [type=string_type, input_value='{}', input_type=str]": "placed canary value",
    "WrongAnswer: asked '{}', got 'that'": "placed canary question",
    '"input": ["{}", "and more"]': "placed canary list",
    'File "/home/{}/app/main.py", line 3, in main': "placedcanaryuser",
    r'File "C:\Users\{}\app\main.py", line 3, in main': "placedcanaryuser",
    "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----": "PlacedCanaryMIIEvQIBADANBg",
}
"""Known by the place where they stand: found there, as text, in JSON and in JSON within JSON."""


def _wrapped(text: str) -> str:
    middle = len(text) // 2
    return f"{text[:middle]}\n    {text[middle:]}"


SPELLINGS: Final[dict[str, Callable[[str], str]]] = {
    "plain": str,
    "upper case": lambda text: text if text.startswith(("sk-", "AIza", "ghp_", "eyJ")) else text.upper(),
    "percent": lambda text: quote(text, safe=""),
    "every letter percent": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "twice percent": lambda text: quote("".join(f"%{byte:02X}" for byte in text.encode())),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 after one": lambda text: base64.b64encode(b":" + text.encode() + b"=").decode(),
    "base64 after two": lambda text: base64.b64encode(b"a:" + text.encode() + b"..").decode(),
    "base64 for urls": lambda text: base64.urlsafe_b64encode(b"?>" + text.encode()).decode().rstrip("="),
    "base64 without its front": lambda text: base64.b64encode(b"long-ago:" + text.encode()).decode()[3:],
    "base64 in lines": lambda text: re.sub("(.{20})", r"\1\n", base64.b64encode(text.encode()).decode()),
    "hexadecimal": lambda text: text.encode().hex(),
    "unicode escapes": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
    "bytes escapes": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "json": lambda text: json.dumps({"said": f"line\n{text}"}),
    "json in json": lambda text: json.dumps({"said": json.dumps([f"line\n{text}\n"])}),
    "escaped slashes": lambda text: text.replace("/", "\\/"),
    "entities": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "wrapped": _wrapped,
    "wrapped, then json": lambda text: json.dumps(_wrapped(text)),
    "a literal in two lines": lambda text: f'"{text[: len(text) // 2]}"\n        "{text[len(text) // 2 :]}"',
}


def base58(text: str) -> str:
    """A text as Bitcoin writes addresses."""
    number, letters = int.from_bytes(text.encode(), "big"), ""
    while number:
        number, letter = divmod(number, 58)
        letters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[letter] + letters
    return letters


DISGUISES: Final[dict[str, Callable[[str], str]]] = {
    "colours": lambda text: f"\x1b[31m{text[:9]}\x1b[0m{text[9:]}",
    "zero-width space": lambda text: f"{text[:9]}\u200b{text[9:]}",
    "soft hyphen": lambda text: f"{text[:9]}\xad{text[9:]}",
    "a quote": lambda text: f'{text[:9]}"{text[9:]}',
    "two literals": lambda text: f"'{text[:9]}' + '{text[9:]}'",
    "full width": lambda text: "".join("\u3000" if char == " " else chr(ord(char) + 0xFEE0) for char in text),
    "NUL": "\0".join,
    "UTF-16, then hexadecimal": lambda text: text.encode("utf-16").hex(),
    "base85": lambda text: base64.b85encode(text.encode()).decode(),
    "base85 after two": lambda text: base64.b85encode(b"ab" + text.encode()).decode(),
    "ascii85": lambda text: base64.a85encode(text.encode()).decode(),
    "a list of bytes": lambda text: str(list(text.encode())),
    "a list of hexadecimal bytes": lambda text: ", ".join(hex(byte) for byte in text.encode()),
    "a list of letters": lambda text: str([*text]),
    "a list of halves": lambda text: str([text[:9], text[9:]]),
    "two literals of bytes": lambda text: f"'{text[:9]}' b'{text[9:]}'",
    "two f-strings": lambda text: f"'{text[:9]}' \\\n    f'{text[9:]}'",
    "chr": lambda text: " + ".join(f"chr({ord(char)})" for char in text),
    "numbers": lambda text: " ".join(str(byte) for byte in text.encode()),
    "a title of a terminal": lambda text: f"{text[:9]}\x1b]0;x\x07{text[9:]}",
    "colours in one byte": lambda text: f"{text[:9]}\x9b31m{text[9:]}",
    "struck over": lambda text: f"{text[:9]}x\b{text[9:]}",
    "a carriage return": lambda text: f"{text[:9]}\r{text[9:]}",
    "a line separator": lambda text: f"{text[:9]}\u2028{text[9:]}",
    "a variation selector": lambda text: f"{text[:9]}\ufe0f{text[9:]}",
    "a tag": lambda text: f"{text[:9]}\U000e0041{text[9:]}",
    "a vowel separator": lambda text: f"{text[:9]}\u180e{text[9:]}",
    "a joiner": lambda text: f"{text[:9]}\u034f{text[9:]}",
    "a mark of direction": lambda text: f"{text[:9]}\u202e{text[9:]}",
    "an isolate": lambda text: f"{text[:9]}\u2068{text[9:]}",
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    "base32 in lower case": lambda text: base64.b32encode(text.encode()).decode().lower(),
    "hexadecimal with colons": lambda text: text.encode().hex(":"),
    "hexadecimal with blanks": lambda text: text.encode().hex(" ").upper(),
    "quoted printable": lambda text: "".join(f"={byte:02X}" for byte in text.encode()),
    "percent and u": lambda text: "".join(f"%u{ord(char):04x}" for char in text),
    "escapes in braces": lambda text: "".join(f"\\u{{{ord(char):x}}}" for char in text),
    "a form": quote_plus,
    "base64 of UTF-16": lambda text: base64.b64encode(text.encode("utf-16-le")).decode(),
    "base64 twice": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "entities for signs": lambda text: text.replace("/", "&sol;").replace(".", "&period;"),
    "backwards": lambda text: text[::-1],
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "binary digits": lambda text: "".join(f"{byte:08b}" for byte in text.encode()),
    "binary digits with blanks": lambda text: " ".join(f"{byte:08b}" for byte in text.encode()),
    "base58": base58,
}
"""Spellings of a value that is known, which only a person with a mind to it would undo."""

BARE_KEYS: Final = (
    "Ocp-Apim-Subscription-Key: 0a1b2c3d0a1b2c3d0a1b2c3d0a1b2c3d",
    "Ocp-Apim-Subscription-Key: 7f3b2a10-1c2d-4e5f-8a9b-0c1d2e3f4a5b",
    "app.py --api-key 7f3b2a10-1c2d-4e5f-8a9b-0c1d2e3f4a5b",
    "Incorrect API key provided: 7f3b2a10-1c2d-4e5f-8a9b-0c1d2e3f4a5b",
    "fw_3ZabcdefGHI12345678",
    "ak-4Zdefghijk1234567890",
    "as-4Zdefghijk1234567890",
    "0a1b2c3d0a1b2c3d0a1b2c3d0a1b2c3d.AbCdEf0123456789",
    f"AccountKey={'Ab3/' * 21}Q1==",
    f"{'Ab3/' * 21}Q1==",
)
"""Texts of which the last word is a key, by its form or by the name in front of it."""


RANDOM: Final = "Kq7Vn3Zx9Lw2Tb5R"
NAMED: Final = (
    *('client = OpenAI("{}")', 'Fernet(b"{}")', 'hmac.new(b"{}", message)', 'client.set_token("{}")'),
    *('os.environ["OPENAI_API_KEY"] = "{}"', 'os.getenv("API_TOKEN", "{}")', 'headers["x-api-key"] = "{}"'),
    *('auth=("user", "{}")', 'httpx.BasicAuth("user", "{}")', 'login("me", "{}")', 'set_key(key="{}")'),
    *('Client(\n    key="{}",\n)', "keyring.set_password('service', 'me', '{}')", 'api_key=SecretStr("{}")'),
    *('cookies={{"session": "{}"}}', 'cookies=dict(session="{}")', '{{"x-functions-key": "{}"}}', 'db_pass = "{}"'),
    *("HTTPX_AUTH={}", "pw={}", 'pin_code="{}"', "bearer={}", "HF_TOKEN {}", "token {}", "https://h.example/token/{}"),
    *("ValueError: invalid token {}", "token '{}' is expired", "wrong password {}", "password {} is wrong"),
    *("bad credentials for user me: {}", "<password>{}</password>", '<apiKey value="{}"/>'),
    *("sshpass -p {} ssh h", "mysql -u root -p{}", "docker login -u me -p {}", "app --api_key {}", "app --pass {}"),
    *("SLACK_WEBHOOK=https://x/services/T0001/B0001/{}", 'webhook_url = "https://h.example/{}"'),
    *("https://hooks.slack.com/services/T0001/B0001/{}", "https://discord.com/api/webhooks/123456789012345678/{}"),
    *("ws://h.example/?ticket={}", "https://h.example/?jwt={}", "X-Auth-Token: {}", "curl -H 'X-Vault-Token: {}' h"),
)
"""Places that say of a value which looks random that it is a key."""

WORDS: Final = ("X-Vault-Token: {}", "export TOKEN={}", "app --token={}", 'db_pass = "{}"', "<password>{}</password>")
"""Places that say it of words, too."""


def traces(text: str, canaries: Iterable[str]) -> list[str]:
    """The canaries of which there is a trace in a text, in any spelling that somebody could undo."""
    opened = {text, unquote(unquote(text)), html.unescape(text), _unescaped(text), _unescaped(_unescaped(text))}
    opened |= {re.sub(r"[\s\"'\\|]+", "", each) for each in opened}
    lower = [each.lower() for each in opened]
    words = re.findall(r"[A-Za-z0-9+/_-]{8,}", text) + re.findall(r"[A-Za-z0-9+/_-]{8,}", re.sub(r"\s+", "", text))
    for word in words:
        lower += [_from_base64(word[start:]) for start in range(4)]
    lower += [bytes.fromhex(run).decode("latin-1").lower() for run in re.findall(r"(?:[0-9a-fA-F]{2}){8,}", text)]
    return [canary for canary in canaries if any(form in each for form in _forms(canary) for each in lower)]


def _forms(canary: str) -> set[str]:
    return {canary.lower(), re.sub(r"\s+", "", canary.lower())}


def _unescaped(text: str) -> str:
    def letter(match: re.Match[str]) -> str:
        return chr(int(match[1] or match[2], 16)) if match[1] or match[2] else match[3]

    return re.sub(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\([/\"'\\])", letter, text)


def _from_base64(word: str) -> str:
    whole = word.replace("-", "+").replace("_", "/")
    whole = whole[: len(whole) // 4 * 4]
    return base64.b64decode(whole).decode("latin-1").lower()
