/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_head: RFC 9112 heads. A head is split into lines first, each line by
 * itself is then checked as a whole, so no rule depends on what came before.
 */
#include "proto/http_head.h"

#include "base/num.h"

#include "base/poison.h"

#define CRLF "\r\n"

/* ---- finding the end ---- */

enum status http_head_find(struct str buf, size_t *at, size_t *n)
{
	size_t i = *at;

	for (; i < buf.n && i < HTTP_HEAD_BYTES_MAX; i++) {
		if (buf.p[i] == '\r' && i + 1 < buf.n && buf.p[i + 1] != '\n')
			return ST_INVALID;
		if (buf.p[i] != '\n')
			continue;
		if (i == 0 || buf.p[i - 1] != '\r')
			return ST_INVALID;
		/* an empty line that is not the first: the end */
		if (i >= 4 && buf.p[i - 2] == '\n') {
			*n = i + 1;
			return ST_OK;
		}
	}
	/* a CR at the end is looked at again with its successor */
	*at = i > 0 && buf.p[i - 1] == '\r' ? i - 1 : i;
	return i >= HTTP_HEAD_BYTES_MAX ? ST_LIMIT : ST_AGAIN;
}

/* ---- characters ---- */

/* RFC 9110 section 5.6.2 */
static bool is_tchar(char c)
{
	return chr_is_alnum(c) ||
	       (c != '\0' && str_index(STR("!#$%&'*+-.^_`|~"), c) >= 0);
}

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_tchar(s.p[i]))
			return false;
	return s.n > 0;
}

/* Visible ASCII, for targets: a blank or control there splits the line. */
static bool is_visible(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return s.n > 0;
}

/* field-value of RFC 9110 section 5.5, obs-text allowed */
static bool is_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* ---- fields ---- */

struct str http_field_get(const struct http_fields *f, struct str name)
{
	for (size_t i = 0; i < f->n; i++)
		if (str_eq_nocase(f->items[i].name, name))
			return f->items[i].value;
	return (struct str){};
}

/* Cuts a line off, without its CRLF. */
static struct str line_take(struct str *rest)
{
	struct str line = str_cut(rest, '\n');

	return line.n > 0 ? str_upto(line, line.n - 1) : line;
}

static enum status field_parse(
	struct str line, struct http_field *out, struct err *e)
{
	struct str rest = line;

	out->name = str_cut(&rest, ':');
	if (rest.p == NULL || !is_token(out->name))
		return err_set(e, ST_INVALID,
			"a header line is no field (RFC 9112 section 5)");
	out->value = str_trim(rest);
	if (!is_value(out->value))
		return err_set(e, ST_INVALID,
			"control character in a field (RFC 9110 section 5.5)");
	return ST_OK;
}

/* All lines up to the empty one. ST_LIMIT: too many. */
static enum status fields_parse(
	struct str rest, struct http_fields *out, struct err *e)
{
	out->n = 0;
	for (;;) {
		struct str line = line_take(&rest);
		enum status st;

		if (line.n == 0)
			return ST_OK;
		if (out->n == HTTP_FIELDS_MAX)
			return err_set(e, ST_LIMIT,
				"more than %d header fields", HTTP_FIELDS_MAX);
		st = field_parse(line, &out->items[out->n], e);
		if (st != ST_OK)
			return st;
		out->n++;
	}
}

/* What the fields say about the connection and the end of the body. */
struct framing {
	struct str host, length, coding;
	unsigned n_host, n_length, n_coding;
	bool close, keep_alive;
	struct str expect;
};

static void framing_note(struct framing *f, const struct http_field *field)
{
	struct str name = field->name, value = field->value;

	if (str_eq_nocase(name, STR("host"))) {
		f->host = value;
		f->n_host++;
	} else if (str_eq_nocase(name, STR("content-length"))) {
		f->length = value;
		f->n_length++;
	} else if (str_eq_nocase(name, STR("transfer-encoding"))) {
		f->coding = value;
		f->n_coding++;
	} else if (str_eq_nocase(name, STR("connection"))) {
		f->close |= str_list_has(value, STR("close"));
		f->keep_alive |= str_list_has(value, STR("keep-alive"));
	} else if (str_eq_nocase(name, STR("expect"))) {
		f->expect = value;
	}
}

static struct framing framing_of(const struct http_fields *fields)
{
	struct framing f = {};

	for (size_t i = 0; i < fields->n; i++)
		framing_note(&f, &fields->items[i]);
	return f;
}

/*
 * RFC 9112 section 6.3. A length next to a transfer coding, or two lengths even
 * if equal, are how requests are smuggled. ST_LIMIT: a coding we do not know.
 */
static enum status framing_decide(const struct framing *f, int minor,
	enum http_framing none, enum http_framing *out, uint64_t *length,
	struct err *e)
{
	if (f->n_length > 1)
		return err_set(e, ST_INVALID, "more than one Content-Length");
	if (f->n_coding > 0 && (f->n_length > 0 || minor == 0))
		return err_set(e, ST_INVALID,
			"Transfer-Encoding with Content-Length or HTTP/1.0 "
			"(RFC 9112 section 6.1)");
	if (f->n_coding > 1)
		return err_set(
			e, ST_INVALID, "more than one Transfer-Encoding");
	if (f->n_coding == 1) {
		if (!str_eq_nocase(f->coding, STR("chunked")))
			return err_set(e, ST_LIMIT,
				"Transfer-Encoding other than chunked");
		*out = HTTP_BODY_CHUNKED;
		return ST_OK;
	}
	if (f->n_length == 0) {
		*out = none;
		return ST_OK;
	}
	if (num_u64(f->length, 0, HTTP_LENGTH_MAX, length) != ST_OK)
		return err_set(e, ST_INVALID,
			"Content-Length is no number (RFC 9110 section 8.6)");
	*out = HTTP_BODY_LENGTH;
	return ST_OK;
}

/* ---- requests ---- */

/* "HTTP/1.x"; what is above 1.1 within 1 is answered as 1.1. */
static enum status version_parse(struct str s, int *minor)
{
	if (s.n != 8 || !str_starts(s, STR("HTTP/")) || s.p[6] != '.' ||
		!chr_is_digit(s.p[5]) || !chr_is_digit(s.p[7]))
		return ST_INVALID;
	if (s.p[5] != '1')
		return ST_LIMIT;
	*minor = s.p[7] == '0' ? 0 : 1;
	return ST_OK;
}

static enum http_method method_of(struct str s)
{
	if (str_eq(s, STR("GET")))
		return HTTP_GET;
	if (str_eq(s, STR("HEAD")))
		return HTTP_HEAD;
	if (str_eq(s, STR("POST")))
		return HTTP_POST;
	return HTTP_OTHER;
}

/* Takes ":port" off; false if it is no host with an optional port. */
static bool host_parse(struct str s, struct str *out)
{
	struct str host, port = {};
	bool literal = s.n > 0 && s.p[0] == '[';

	if (literal) {
		host = str_cut(&s, ']');
		if (s.p == NULL)
			return false;
		host.n++; /* the bracket belongs to it */
		if (s.n > 0) {
			if (s.p[0] != ':')
				return false;
			port = str_from(s, 1);
		}
	} else {
		host = str_cut(&s, ':');
		port = s;
	}
	for (size_t i = 0; i < host.n; i++)
		if (!chr_is_alnum(host.p[i]) &&
			str_index(literal ? STR("[]:.") : STR("-._"),
				host.p[i]) < 0)
			return false;
	for (size_t i = 0; i < port.n; i++)
		if (!chr_is_digit(port.p[i]))
			return false;
	*out = host;
	return host.n <= HTTP_HOST_BYTES_MAX && port.n <= 5;
}

/*
 * origin-form, absolute-form (RFC 9112 section 3.2), "*". With absolute-form
 * *authority is set.
 */
static bool target_parse(struct http_request *r, struct str *authority)
{
	struct str t = r->target;

	*authority = (struct str){};
	if (str_eq(t, STR("*"))) {
		r->path = t;
		return r->method == HTTP_OTHER;
	}
	if (str_eq_nocase(str_upto(t, 7), STR("http://")))
		t = str_from(t, 7);
	else if (str_eq_nocase(str_upto(t, 8), STR("https://")))
		t = str_from(t, 8);
	if (t.p != r->target.p) {
		size_t n = 0;

		while (n < t.n && t.p[n] != '/' && t.p[n] != '?')
			n++;
		*authority = str_upto(t, n);
		t = str_from(t, n);
		if (t.n == 0 || authority->n == 0)
			return false;
	}
	if (t.p[0] != '/' || str_index(t, '#') >= 0)
		return false;
	r->path = str_cut(&t, '?');
	r->query = t;
	return true;
}

static enum status request_line_parse(struct str line, struct http_request *r,
	struct str *authority, int *code, struct err *e)
{
	struct str rest = line;
	enum status st;

	r->method_text = str_cut(&rest, ' ');
	r->method = method_of(r->method_text);
	if (!is_token(r->method_text) ||
		r->method_text.n > HTTP_METHOD_BYTES_MAX || rest.p == NULL)
		return err_set(
			e, ST_INVALID, "no request line (RFC 9112 section 3)");
	r->target = str_cut(&rest, ' ');
	st = rest.p == NULL ? ST_INVALID : version_parse(rest, &r->minor);
	if (st == ST_LIMIT)
		*code = 505;
	if (st != ST_OK)
		return err_set(e, ST_INVALID,
			"no HTTP/1 version (RFC 9112 section 2.3)");
	if (r->target.n > HTTP_TARGET_BYTES_MAX) {
		*code = 414;
		return err_set(e, ST_LIMIT, "target of %zu bytes", r->target.n);
	}
	if (!is_visible(r->target) || !target_parse(r, authority))
		return err_set(e, ST_INVALID,
			"bad request target (RFC 9112 section 3.2)");
	return ST_OK;
}

/* RFC 9112 section 3.2: exactly one Host in 1.1; it names the same. */
static enum status host_decide(const struct framing *f, struct str authority,
	struct http_request *r, struct err *e)
{
	struct str named;

	if (f->n_host > 1 || (f->n_host == 0 && r->minor > 0))
		return err_set(e, ST_INVALID,
			"%u Host fields (RFC 9112 section 3.2)", f->n_host);
	if (!host_parse(f->host, &r->host))
		return err_set(
			e, ST_INVALID, "bad Host (RFC 9110 section 7.2)");
	if (authority.p == NULL)
		return ST_OK;
	if (!host_parse(authority, &named) ||
		(f->n_host > 0 && !str_eq_nocase(named, r->host)))
		return err_set(e, ST_INVALID,
			"Host differs from the target (RFC 9112 section "
			"3.2.2)");
	r->host = named;
	return ST_OK;
}

enum status http_request_parse(
	struct str head, struct http_request *out, int *code, struct err *e)
{
	struct http_request *r = out;
	struct framing f;
	struct str authority, rest = head;
	enum status st;

	*code = 400;
	r->query = (struct str){};
	r->length = 0;
	if (str_starts(rest, STR(CRLF))) /* RFC 9112 section 2.2 */
		rest = str_from(rest, 2);
	st = request_line_parse(line_take(&rest), r, &authority, code, e);
	if (st != ST_OK)
		return st;
	st = fields_parse(rest, &r->fields, e);
	if (st == ST_LIMIT)
		*code = 431;
	if (st != ST_OK)
		return st;
	f = framing_of(&r->fields);
	st = host_decide(&f, authority, r, e);
	if (st != ST_OK)
		return st;
	st = framing_decide(
		&f, r->minor, HTTP_BODY_NONE, &r->framing, &r->length, e);
	if (st == ST_LIMIT)
		*code = 501;
	if (st != ST_OK)
		return st;
	r->keep_alive = !f.close && (r->minor > 0 || f.keep_alive);
	r->expect_continue = f.expect.p != NULL && r->minor > 0;
	if (r->expect_continue &&
		!str_eq_nocase(f.expect, STR("100-continue"))) {
		*code = 417;
		return err_set(e, ST_INVALID,
			"unknown Expect (RFC 9110 section 10.1.1)");
	}
	return ST_OK;
}

/* ---- responses ---- */

enum status http_response_parse(
	struct str head, bool to_head, struct http_response *out, struct err *e)
{
	struct str rest = head, line = line_take(&rest), reason;
	struct http_response *r = out;
	struct framing f;
	enum status st;
	uint32_t code;

	r->length = 0;
	st = version_parse(str_cut(&line, ' '), &r->minor);
	reason = line;
	if (st != ST_OK || reason.p == NULL ||
		num_u32(str_cut(&reason, ' '), 100, 599, &code) != ST_OK)
		return err_set(
			e, ST_INVALID, "no status line (RFC 9112 section 4)");
	r->code = (int)code;
	st = fields_parse(rest, &r->fields, e);
	if (st != ST_OK)
		return ST_INVALID;
	f = framing_of(&r->fields);
	st = framing_decide(
		&f, r->minor, HTTP_BODY_TO_CLOSE, &r->framing, &r->length, e);
	if (st != ST_OK)
		return ST_INVALID;
	if (to_head || code < 200 || code == 204 || code == 304)
		r->framing = HTTP_BODY_NONE;
	r->keep_alive = !f.close && (r->minor > 0 || f.keep_alive) &&
			r->framing != HTTP_BODY_TO_CLOSE;
	return ST_OK;
}

/* ---- writing ---- */

void http_date_write(struct sbuf *b, struct unix_time t)
{
	static const char *const days[] = { "Thu", "Fri", "Sat", "Sun", "Mon",
		"Tue", "Wed" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct utc_date d = utc_date_of(t);
	struct unix_time t0 = {};
	int64_t day;

	if (utc_time_of(d, &t0) != ST_OK)
		return; /* utc_date_of gives no such date */
	day = (t0.s - (d.hour * 3600 + d.minute * 60 + d.second)) / UTC_DAY_S;
	sbuf_fmt(b, "%s, %02d %s %04d %02d:%02d:%02d GMT",
		days[((day % 7) + 7) % 7], d.day, months[d.month - 1], d.year,
		d.hour, d.minute, d.second);
}

const char *http_reason(int code)
{
	static const struct {
		int code;
		const char *reason;
	} table[] = {
		{ 100, "Continue" },
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 421, "Misdirected Request" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
		{ 507, "Insufficient Storage" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].code == code)
			return table[i].reason;
	return "Unknown";
}

static void line_write(struct sbuf *b, struct str name, struct str value)
{
	if (value.p == NULL)
		return;
	sbuf_add(b, name);
	sbuf_add(b, value);
	sbuf_add(b, STR(CRLF));
}

void http_answer_write(struct sbuf *b, const struct http_answer *a)
{
	sbuf_fmt(b, "HTTP/1.1 %d %s" CRLF, a->code, http_reason(a->code));
	line_write(b, STR("Date: "), a->date);
	line_write(b, STR("Content-Type: "), a->content_type);
	line_write(b, STR("Cache-Control: "), a->cache_control);
	sbuf_fmt(b, "Content-Length: %llu" CRLF, (unsigned long long)a->length);
	if (!a->keep_alive)
		line_write(b, STR("Connection: "), STR("close"));
	else if (a->minor == 0)
		line_write(b, STR("Connection: "), STR("keep-alive"));
	if (a->extra.p != NULL)
		sbuf_add(b, a->extra);
	sbuf_add(b, STR(CRLF));
}
