package redact_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"html"
	"math/rand/v2"
	"net/url"
	"strings"
)

const (
	letters    = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lowers     = "abcdefghijklmnopqrstuvwxyz"
	uppers     = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits     = "0123456789"
	alnum      = letters + digits
	hexDigits  = "0123456789abcdef"
	urlSafe    = alnum + "-_"
	base64Text = alnum + "+/"
)

// corpus makes texts of the kinds that logs hold, another set for each seed.
type corpus struct{ *rand.Rand }

func newCorpus(seed uint64) corpus { return corpus{rand.New(rand.NewPCG(seed, 42))} }

func (c corpus) text(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[c.IntN(len(alphabet))]
	}
	return string(b)
}

func (c corpus) pick(list ...string) string { return list[c.IntN(len(list))] }

func (c corpus) word() string { return c.text(lowers, 3+c.IntN(6)) }

// base62 is a number in the digits of GitHub's checksums.
func base62(n uint32, width int) string {
	const alphabet = digits + uppers + lowers
	b := bytes.Repeat([]byte{'0'}, width)
	for i := width - 1; n > 0 && i >= 0; i-- {
		b[i] = alphabet[n%62]
		n /= 62
	}
	return string(b)
}

// checked is a token of GitHub's and npm's old form: 30 random characters and
// their checksum.
func (c corpus) checked(prefix string) string {
	body := c.text(alnum, 30)
	return prefix + body + base62(crc32.ChecksumIEEE([]byte(body)), 6)
}

func (c corpus) jwt() string {
	part := func(v any) string { b, _ := json.Marshal(v); return base64.RawURLEncoding.EncodeToString(b) }
	return part(map[string]string{"alg": "HS256", "typ": "JWT"}) + "." + part(map[string]any{"sub": c.text(digits, 10), "iat": c.IntN(1 << 30)}) + "." + c.text(urlSafe, 43)
}

// family is one issuer's keys, and how many of their first bytes say nothing
// secret.
type family struct {
	name string
	make func(c corpus) string
}

func families() []family {
	of := func(name string, f func(c corpus) string) family { return family{name, f} }
	plain := func(prefix, alphabet string, n int) family {
		return of(prefix, func(c corpus) string { return prefix + c.text(alphabet, n) })
	}
	return []family{
		of("anthropic", func(c corpus) string {
			return "sk-ant-" + c.pick("api03-", "admin01-", "oat01-", "ort01-", "sid01-") + c.text(urlSafe, 93) + "AA"
		}),
		of("openai project", func(c corpus) string {
			n := 58
			if c.IntN(2) == 0 {
				n = 74
			}
			return c.pick("sk-proj-", "sk-svcacct-", "sk-admin-") + c.text(urlSafe, n) + "T3BlbkFJ" + c.text(urlSafe, n)
		}),
		of("openai legacy", func(c corpus) string { return "sk-" + c.text(alnum, 20) + "T3BlbkFJ" + c.text(alnum, 20) }),
		plain("sk-", hexDigits, 32), plain("sk-or-v1-", hexDigits, 64),
		plain("AIza", urlSafe, 35), of("google key", func(c corpus) string { return "AQ.Ab8RN6" + c.text(urlSafe, 44) }),
		plain("ya29.a0", urlSafe, 120), plain("GOCSPX-", urlSafe, 28),
		plain("hf_", letters, 34), plain("gsk_", alnum, 52), plain("xai-", alnum, 80), plain("pplx-", alnum, 48), plain("r8_", alnum, 37),
		plain("nvapi-", urlSafe, 64), of("tavily", func(c corpus) string { return "tvly-" + c.pick("dev-", "prod-", "") + c.text(alnum, 31) + "7" }),
		of("github", func(c corpus) string { return c.checked(c.pick("ghp_", "gho_", "ghu_", "ghr_", "ghs_")) }),
		of("github stateless", func(c corpus) string { return "ghs_" + c.text(digits, 6) + "_" + c.jwt() }),
		of("github fine", func(c corpus) string { return "github_pat_" + c.text(alnum, 22) + "_" + c.text(alnum, 59) }),
		of("npm", func(c corpus) string { return c.checked("npm_") }),
		plain("glpat-", urlSafe, 20), of("gitlab routable", func(c corpus) string {
			return "glpat-" + c.text(urlSafe, 27) + "." + c.text(hexDigits, 2) + "." + c.text(lowers+digits, 9)
		}),
		of("gitlab others", func(c corpus) string {
			return c.pick("gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-", "glft-", "glimt-", "glagent-") + c.text(urlSafe, 19) + "4"
		}),
		of("slack", func(c corpus) string {
			return c.pick("xoxb-", "xoxp-", "xoxa-2-", "xoxr-", "xoxs-") + c.text(digits, 12) + "-" + c.text(digits, 13) + "-" + c.text(alnum, 24)
		}),
		of("slack app", func(c corpus) string {
			return "xapp-1-A" + c.text(uppers+digits, 10) + "-" + c.text(digits, 13) + "-" + c.text(hexDigits, 64)
		}),
		of("slack hook", func(c corpus) string {
			return "https://hooks.slack.com/services/T" + c.text(uppers+digits, 8) + "/B" + c.text(uppers+digits, 8) + "/" + c.text(alnum, 24)
		}),
		of("aws id", func(c corpus) string { return c.pick("AKIA", "ASIA") + c.text(uppers+"234567", 16) }),
		of("stripe", func(c corpus) string {
			return c.pick("sk_live_", "rk_live_", "sk_test_", "rk_test_") + c.text(alnum, 24)
		}),
		of("stripe long", func(c corpus) string { return "sk_live_51" + c.text(alnum, 97) }), plain("whsec_", alnum, 32),
		plain("pypi-AgEIcHlwaS5vcmc", urlSafe, 130), of("sendgrid", func(c corpus) string { return "SG." + c.text(urlSafe, 22) + "." + c.text(urlSafe, 43) }),
		of("telegram", func(c corpus) string { return "1" + c.text(digits, 8+c.IntN(2)) + ":AA" + c.text(urlSafe, 33) }),
		of("discord", func(c corpus) string {
			return base64.RawStdEncoding.EncodeToString([]byte("1"+c.text(digits, 17+c.IntN(2)))) + "." + c.text(alnum, 6) + "." + c.text(urlSafe, 38)
		}),
		of("discord hook", func(c corpus) string {
			return "https://discord.com/api/webhooks/" + c.text(digits, 19) + "/" + c.text(urlSafe, 68)
		}),
		plain("dop_v1_", hexDigits, 64), plain("dapi", hexDigits, 32), plain("dp.pt.", alnum, 43), plain("hvs.", urlSafe, 90), plain("hvs.CAES", urlSafe, 90),
		of("age", func(c corpus) string { return "AGE-SECRET-KEY-1" + c.text("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58) }),
		of("age hybrid", func(c corpus) string { return "AGE-SECRET-KEY-PQ-1" + c.text("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58) }),
		of("1password", func(c corpus) string {
			return "ops_" + base64.RawURLEncoding.EncodeToString([]byte(`{"signInAddress":"x.1password.com","k":"`+c.text(alnum, 120)+`"}`))
		}),
		of("shopify", func(c corpus) string { return c.pick("shpat_", "shpss_", "shpca_", "shppa_") + c.text(hexDigits, 32) }),
		of("grafana", func(c corpus) string {
			body := c.text(alnum, 32)
			return fmt.Sprintf("glsa_%s_%08x", body, crc32.ChecksumIEEE([]byte(body)))
		}),
		plain("dckr_pat_", urlSafe, 27), plain("lin_api_", alnum, 40), plain("ntn_", alnum, 46),
		of("entra", func(c corpus) string { return c.text(alnum, 3) + "8Q~" + c.text(urlSafe+".~", 33) + "a" }),
		of("jwt", func(c corpus) string { return c.jwt() }),
		of("own", func(c corpus) string { return c.checkedOwn() }),
		plain("fw_", alnum, 24), of("cerebras", func(c corpus) string { return "csk-" + c.text(lowers+digits, 47) + "3" }),
		of("langsmith", func(c corpus) string {
			return c.pick("lsv2_pt_", "lsv2_sk_") + c.text(hexDigits, 32) + "_" + c.text(hexDigits, 10)
		}),
		plain("sbp_", hexDigits, 40), plain("sntrys_eyJ", base64Text, 100), plain("PMAK-", hexDigits, 24+1+34), plain("rubygems_", hexDigits, 48),
		plain("figd_", urlSafe, 40), plain("pat-na1-", hexDigits, 36), plain("sq0csp-", urlSafe, 43), plain("EAAAE", urlSafe, 59), plain("key-", hexDigits, 32),
		of("atlassian", func(c corpus) string {
			return "ATATT3xFfGF0" + c.text(urlSafe, 170) + "=" + c.text("0123456789ABCDEF", 8)
		}),
		plain("pul-", hexDigits, 40), plain("tskey-auth-", alnum, 40), plain("cfut_", alnum, 40),
		of("azure storage", func(c corpus) string { return "AccountKey=" + c.text(base64Text, 86) + "==" }),
	}
}

// checkedOwn is one of our own tokens.
func (c corpus) checkedOwn() string {
	body := c.text(digits+uppers+lowers, 43)
	prefix := c.pick("ocg_", "oca_", "occ_", "ocd_")
	return prefix + body + base62(crc32.ChecksumIEEE([]byte(prefix+body)), 6)
}

// around puts a key of a known shape into a context that does not name it.
func (c corpus) around(secret string) string {
	js := func(v any) string { b, _ := json.Marshal(v); return string(b) }
	contexts := []func() string{
		func() string { return "using " + secret + " for the call" },
		func() string { return "error: 401 for key '" + secret + "'." },
		func() string { return `{"level":"info","msg":"loaded ` + secret + `"}` },
		func() string { return js(map[string]string{"body": js(map[string]string{"x": secret})}) },
		func() string { return js(map[string]string{"body": js(map[string]string{"y": js([]string{secret})})}) },
		func() string { return "curl -H 'x-api-key: " + secret + "' https://api.example.com" },
		func() string { return "GET /v1?key=" + url.QueryEscape(secret) + "&alt=sse HTTP/1.1" },
		func() string { return "\x1b[1;32m" + secret + "\x1b[0m" },
		func() string { return "\x1b[38;5;" + c.text("123456789", 2) + "m" + secret + "\x1b[m trailing" },
		func() string { return `line one\n` + secret + `\nline three` },
		func() string { return "(" + secret + ")" },
		func() string { return "export KEY=" + secret },
		func() string { return "Authorization: Bearer " + secret },
		func() string { return "<" + secret + ">" },
		func() string { return "a," + secret + ",b" },
		func() string { return "https://x:" + url.PathEscape(secret) + "@git.example.com/r.git" },
		func() string { return "x-goog-api-key: " + secret + "\r" },
		func() string { return "| " + c.word() + " | `" + secret + "` | " + c.word() + " |" },
		func() string { return "- name: " + c.word() + "\\n  value: " + secret },
		func() string { return "panic: dial " + c.word() + ": " + secret + ": no such host" },
		func() string { return c.word() + "=[" + secret + " " + c.word() + "]" },
		func() string {
			return "callback?state=" + c.text(alnum, 8) + "%26code%3D" + url.QueryEscape(secret) + "%26x"
		},
		func() string {
			return "data: " + js(map[string]any{"delta": map[string]string{"text": "it is " + secret}})
		},
		func() string { return "+" + c.word() + ": " + secret + " # " + c.word() },
		func() string {
			return "kube " + base64.StdEncoding.EncodeToString([]byte(c.word()+": "+secret+"\n")) + " end"
		},
		func() string {
			return "cfg=" + base64.RawURLEncoding.EncodeToString([]byte(`{"name":"`+c.word()+`","key":"`+secret+`"}`))
		},
	}
	return contexts[c.IntN(len(contexts))]()
}

// named returns a line with a secret of no known shape under a name.
func (c corpus) named() (line, secret string) {
	switch c.IntN(6) {
	case 0:
		secret = c.text(alnum, 8) + c.text(digits, 2) + c.text(alnum, c.IntN(30))
	case 1:
		secret = c.text(hexDigits, 32) + "0a"
	case 2:
		secret = c.text(base64Text, 40) + "1="
	case 3:
		secret = c.text(lowers, 4) + "-" + c.text(lowers, 5) + "-" + c.text(lowers, 4) + c.text(digits, 2)
	case 4:
		secret = strings.ToUpper(c.text(lowers, 1)) + c.text(lowers, 7) + c.text(digits, 3) + c.pick("!", "$", "#", "?")
	default:
		secret = c.text(letters, 5) + c.pick("!", "#", "@", "%", "^", "*") + c.text(alnum, 6) + "7"
	}
	name := c.pick("password", "api_key", "apiKey", "API_KEY", "client_secret", "access_token", "auth-token", "DB_PASSWORD", "x-api-key", "passphrase",
		"AWS_SECRET_ACCESS_KEY", "refreshToken", "db.password", "SLACK_TOKEN", "webhook_secret", "encryption_key", "OPENAI_API_KEY", "redis_pwd",
		"JWT_SECRET", "secretKey", "ConnectionPassword", "smtp_pass", "private-key", "bot_token", "X-Auth-Token", "GITHUB_TOKEN", "userPassword",
		"signing_secret", "id_token", "csrf_token", "session_token", "MYSQL_ROOT_PASSWORD", "keystorePassword", "apikey", "vault_token", "sudo_password")
	js := func(v any) string { b, _ := json.Marshal(v); return string(b) }
	contexts := []func() string{
		func() string { return name + "=" + secret },
		func() string { return name + ": " + secret },
		func() string { return name + ` = "` + secret + `"` },
		func() string { return `{"` + name + `":"` + secret + `","n":1}` },
		func() string { return js(map[string]string{"body": `{"` + name + `": "` + secret + `"}`}) },
		func() string {
			return js(map[string]string{"body": js(map[string]string{"in": js(map[string]string{name: secret})})})
		},
		func() string { return "{'" + name + "': '" + secret + "'}" },
		func() string { return "run --" + strings.ToLower(name) + " " + secret + " -v" },
		func() string { return "run --" + strings.ToLower(name) + "=" + secret + " -v" },
		func() string { return "msg=\"started with " + name + "=" + secret + "\" n=3" },
		func() string { return "map[" + name + ":" + secret + " other:1]" },
		func() string { return "<" + name + ">" + secret + "</" + name + ">" },
		func() string { return "INFO " + name + " -> " + name + "=" + secret + ", retrying" },
		func() string { return "GET /cb?" + name + "=" + url.QueryEscape(secret) + "&n=1 HTTP/1.1" },
		func() string {
			return "url=%2Fcb%3F" + name + "%3D" + url.QueryEscape(url.QueryEscape(secret)) + "%26n%3D1"
		},
		func() string { return "\x1b[33m" + name + "\x1b[0m=\x1b[36m" + secret + "\x1b[0m" },
		func() string { return "env: " + c.word() + "=1 " + name + "='" + secret + "' " + c.word() + "=2" },
		func() string { return "  " + name + ": \"" + secret + "\" # from " + c.word() },
		func() string { return `<add key="` + name + `" value="` + html.EscapeString(secret) + `"/>` },
		func() string { return "Server=db;User Id=sa;" + name + "=" + secret + ";Encrypt=true" },
		func() string { return "const " + name + ` = '` + secret + `';` },
		func() string { return `os.environ["` + name + `"] = "` + secret + `"` },
		func() string { return "export " + name + `="` + secret + `"` },
		func() string { return "--header '" + name + ": " + secret + "'" },
		func() string { return `argv=["curl","--` + strings.ToLower(name) + `","` + secret + `"]` },
		func() string { return js(map[string]any{"name": name, "value": secret}) },
		func() string { return name + " => " + secret },
		func() string { return "kubectl create --from-literal=" + name + "=" + secret },
		func() string {
			return "data: " + base64.StdEncoding.EncodeToString([]byte("export "+name+"="+secret+"\nexport "+c.word()+"=1\n"))
		},
	}
	return contexts[c.IntN(len(contexts))](), secret
}

// knownValue is a value that no shape and no name gives away.
func (c corpus) knownValue() string {
	switch c.IntN(5) {
	case 0:
		return c.text(alnum, 8+c.IntN(40))
	case 1:
		return c.text(alnum+"&<>\"'\\/+ %=?#", 12+c.IntN(20)) + "x9"
	case 2:
		return c.text(lowers, 5) + " " + c.text(lowers, 6) + " " + c.text(lowers, 7) + " " + c.text(lowers, 4)
	case 3:
		return "pä" + c.text(alnum, 6) + "日本" + c.text(alnum, 5)
	default:
		return c.text(hexDigits, 64)
	}
}

func (c corpus) uuid() string {
	return fmt.Sprintf("%s-%s-4%s-a%s-%s", c.text(hexDigits, 8), c.text(hexDigits, 4), c.text(hexDigits, 3), c.text(hexDigits, 3), c.text(hexDigits, 12))
}

// ordinary returns a line that holds no secret and looks as if.
func (c corpus) ordinary() string {
	word := c.word
	number := func(n int) string { return c.text("123456789", n) }
	contexts := []func() string{
		func() string { return "commit " + c.text(hexDigits, 40) },
		func() string { return "sha256:" + c.text(hexDigits, 64) + " size " + c.text(digits, 6) },
		func() string { return "id=" + c.uuid() },
		func() string { return "token := " + word() + ".Next()" },
		func() string { return "max_tokens: " + number(4) + ", stop_token: " + word() },
		func() string { return `{"usage":{"input_tokens":` + number(4) + `,"output_tokens":` + number(3) + `}}` },
		func() string {
			return "api_key: " + c.pick("vault://", "keychain://openclaw/", "op://", "file:///run/", "gcp-secrets://projects/p/secrets/", "aws-secrets://", "azure-keyvault://v/") + word()
		},
		func() string { return "password: ${" + strings.ToUpper(word()) + "}" },
		func() string {
			return "The " + c.pick("password", "token", "secret", "API key") + " for " + word() + " must be " + word() + "."
		},
		func() string {
			return c.pick("task", "disk", "risk", "desk") + "-" + word() + "-" + c.text(digits, 5) + "-" + word()
		},
		func() string { return "import " + word() + "/" + word() + "/token" },
		func() string { return "func " + word() + "(token string, password []byte) error {" },
		func() string { return "if password == \"\" || token == nil {" },
		func() string { return "Bearer " + c.pick("token", "authentication", "tokens are") + " " + word() },
		func() string { return "secret: " + c.pick("required", "true", "null", "string", "[]", "{}") },
		func() string { return "/usr/lib/" + word() + "/" + word() + "_token.so." + c.text(digits, 1) },
		func() string { return "password=" + strings.Repeat("*", 4+c.IntN(8)) },
		func() string { return "token = self." + word() + "." + word() },
		func() string { return "http://" + word() + ".example.com:8080/" + word() + "@" + c.text(digits, 2) },
		func() string {
			return "2026-02-25T10:30:00Z INFO " + word() + " rotated token " + word() + " in " + c.text(digits, 2) + "ms"
		},
		func() string { return "Unexpected token '" + word() + "' at line " + c.text(digits, 2) },
		func() string { return "checksum " + c.text(base64Text, 43) + "=" },
		func() string { return "<td>" + word() + "</td><a href=\"#token\">" + word() + "</a>" },
		func() string { return "private_key_file: /etc/" + word() + "/" + word() + ".pem" },
		func() string {
			return `{"token_count":` + number(3) + `,"total_tokens":` + number(4) + `,"tokenizer":"` + word() + `"}`
		},
		func() string {
			return "go: downloading github.com/" + word() + "/" + word() + " v1." + number(1) + "." + number(1)
		},
		func() string { return "h1:" + c.text(base64Text, 43) + "= " + word() + "/go.mod" },
		func() string { return `"integrity": "sha512-` + c.text(base64Text, 86) + `=="` },
		func() string { return "index " + c.text(hexDigits, 7) + ".." + c.text(hexDigits, 7) + " 100644" },
		func() string {
			return "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA" + c.text(base64Text, 43) + " " + word() + "@" + word()
		},
		func() string { return "-----BEGIN PUBLIC KEY-----" },
		func() string { return "-----BEGIN CERTIFICATE----- MIIB" + c.text(base64Text, 60) },
		func() string { return "const token = await " + word() + "." + word() + "(" + word() + ")" },
		func() string { return "password = getpass.getpass()" },
		func() string { return "api_key=os.environ[\"" + strings.ToUpper(word()) + "\"]" },
		func() string { return "apiKey: process.env." + strings.ToUpper(word()) + "_API_KEY," },
		func() string { return "secret: {{ .Values." + word() + "." + word() + " }}" },
		func() string { return "password: !vault |" },
		func() string { return "token: ${{ secrets." + strings.ToUpper(word()) + " }}" },
		func() string { return "PASSWORD_MIN_LENGTH=" + number(2) },
		func() string { return "password_reset_at: 2026-0" + number(1) + "-1" + number(1) + "T10:00:00Z" },
		func() string { return "passwords must match; tokens expire; secrets rotate " + word() },
		func() string { return "the key-value store " + word() + " has " + number(3) + " keys" },
		func() string { return "keyboard: " + word() + ", monkey: " + word() + ", turkey=" + word() },
		func() string { return "bypass=" + word() + number(3) + " compass: " + word() + " surpass=" + word() },
		func() string {
			return "author: " + word() + " authored=" + word() + " authority: " + word() + ".example"
		},
		func() string { return "token_type: bearer, expires_in: " + number(4) },
		func() string {
			return `{"token_type":"Bearer","expires_in":` + number(4) + `,"scope":"` + word() + `"}`
		},
		func() string { return "cache-control: no-store; etag: W/\"" + c.text(hexDigits, 32) + "\"" },
		func() string { return "docker.io/" + word() + "/" + word() + "@sha256:" + c.text(hexDigits, 64) },
		func() string { return "trace_id=" + c.text(hexDigits, 32) + " span_id=" + c.text(hexDigits, 16) },
		func() string { return "request-id: req_" + c.text(alnum, 24) },
		func() string { return `{"id":"msg_01` + c.text(alnum, 22) + `","model":"claude-sonnet-4-5-20250929"}` },
		func() string {
			return `{"id":"chatcmpl-` + c.text(alnum, 29) + `","system_fingerprint":"fp_` + c.text(hexDigits, 10) + `"}`
		},
		func() string { return `{"tool_use_id":"toolu_01` + c.text(alnum, 22) + `"}` },
		func() string {
			return "password strength: " + c.pick("weak", "strong", "medium") + ", password policy: " + word()
		},
		func() string { return "Enter password for " + word() + ":" },
		func() string { return word() + "@" + word() + ".example's password:" },
		func() string { return "$ " + word() + " --password-file /run/" + word() + " --token-ttl 1h" },
		func() string { return "usage: login [--token TOKEN] [--password PASSWORD] [--api-key KEY]" },
		func() string { return "case tokenIdent: return p." + word() + "(tok)" },
		func() string { return "type Token struct { Kind TokenKind; Text string }" },
		func() string { return "lexer.token == tokens." + strings.ToUpper(word()) },
		func() string { return "class SecretStore: pass" },
		func() string { return "def " + word() + "(self, token: str, password: Optional[str] = None) -> bool:" },
		func() string { return "assert token.type == '" + strings.ToUpper(word()) + "'" },
		func() string { return "SELECT password FROM users WHERE token = $1" },
		func() string { return "password VARCHAR(255) NOT NULL, token TEXT, secret BLOB" },
		func() string { return "https://example.com/reset-password?lang=" + word() + "&page=" + number(2) },
		func() string { return "https://" + word() + ".example.com/docs/authentication#access-token" },
		func() string { return "see docs: api_key: <your-api-key>, token: YOUR_TOKEN, secret: changeme" },
		func() string {
			return "sk-ant-... and sk-proj-xxxx are formats; so is ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		},
		func() string {
			return "png " + base64.StdEncoding.EncodeToString([]byte("\x89PNG\r\n\x1a\n"+c.text(alnum, 60)))
		},
		func() string {
			return "text " + base64.StdEncoding.EncodeToString([]byte("a sentence about "+word()+" and "+word()+" and the "+word()))
		},
		func() string {
			return "css{color:#" + c.text(hexDigits, 6) + ";mask-image:url(" + word() + ".svg);ask-" + word() + ":1}"
		},
		func() string { return "eyJust-a-name eyJ not.a.token " + word() },
		func() string { return "user:group 0:0 ratio 16:9 time " + number(1) + ":AAA" },
		func() string { return "git clone git@github.com:" + word() + "/" + word() + ".git" },
		func() string { return "ssh://git@" + word() + ".example.com:22/" + word() },
		func() string { return "mailto:" + word() + "@" + word() + ".example" },
		func() string { return "signature: invalid, webhook: disabled, cookie: none" },
		func() string { return "cookie consent=" + word() + "; session timeout: " + number(2) + "m" },
		func() string { return "Set-Cookie: theme=" + word() + "; Path=/; HttpOnly" },
		func() string { return "openclaw secrets set " + word() + "; openclaw vault rotate-key " + word() },
		func() string { return "api key rotated by " + word() + ", password changed, token revoked" },
		func() string { return "SG.1 AQ.2 hvs. dp.pt. ya29. r8_ hf_ " + word() },
		func() string {
			return "npm_config_" + word() + "_" + word() + "=true npm_package_version=1." + number(1)
		},
		func() string { return "fw_version_" + word() + " xai-" + word() + " pplx-" + word() + " gsk_" + word() },
	}
	return contexts[c.IntN(len(contexts))]()
}
