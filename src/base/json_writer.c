/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_writer: JSON text into a bounded buffer. What could disturb a terminal
 * or a script element (controls, DEL, C1, U+2028, U+2029) is always escaped.
 */
#include "base/json.h"
#include "base/utf8.h"

#include "base/poison.h"

struct json_writer json_writer_of(struct sbuf *out, unsigned indent)
{
	return (struct json_writer){ .out = out, .indent = indent };
}

static bool is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x7f &&
	       c != '"' && c != '\\';
}

static void write_escape(struct sbuf *b, uint32_t cp)
{
	static const char short_form[] = "btn\0fr";

	if (cp == '"' || cp == '\\') {
		sbuf_addc(b, '\\');
		sbuf_addc(b, (char)cp);
	} else if (cp >= '\b' && cp <= '\r' && short_form[cp - '\b'] != 0) {
		sbuf_addc(b, '\\');
		sbuf_addc(b, short_form[cp - '\b']);
	} else {
		sbuf_fmt(b, "\\u%04x", cp);
	}
}

/* The character s begins with; returns how much of s it took. */
static size_t write_special(struct sbuf *b, struct str s)
{
	uint32_t cp;
	size_t n = utf8_read(s, &cp);

	if (n == 0)
		sbuf_addz(b, "\xef\xbf\xbd"); /* U+FFFD */
	else if (cp < 0xa0 || cp == 0x2028 || cp == 0x2029)
		write_escape(b, cp);
	else
		sbuf_add(b, str_upto(s, n));
	return n == 0 ? 1 : n;
}

static void write_string(struct sbuf *b, struct str s)
{
	sbuf_addc(b, '"');
	while (s.n > 0) {
		size_t n = 0;

		while (n < s.n && is_plain(s.p[n]))
			n++;
		sbuf_add(b, str_upto(s, n));
		s = str_from(s, n);
		if (s.n > 0)
			s = str_from(s, write_special(b, s));
	}
	sbuf_addc(b, '"');
}

static void new_line(struct json_writer *w)
{
	if (w->indent == 0)
		return;
	sbuf_addc(w->out, '\n');
	for (unsigned i = 0; i < w->indent * w->depth; i++)
		sbuf_addc(w->out, ' ');
}

/* Everything that stands before a value. */
static void begin_value(struct json_writer *w, const char *name)
{
	if (w->comma)
		sbuf_addc(w->out, ',');
	if (w->depth > 0)
		new_line(w);
	if (name != NULL) {
		write_string(w->out, str_of(name));
		sbuf_addz(w->out, w->indent > 0 ? ": " : ":");
	}
	w->comma = true;
}

static void open(struct json_writer *w, const char *name, char bracket)
{
	begin_value(w, name);
	sbuf_addc(w->out, bracket);
	w->depth++;
	w->comma = false;
}

static void close(struct json_writer *w, char bracket)
{
	w->depth--;
	if (w->comma)
		new_line(w);
	sbuf_addc(w->out, bracket);
	w->comma = true;
}

void json_open_object(struct json_writer *w, const char *name)
{
	open(w, name, '{');
}

void json_close_object(struct json_writer *w)
{
	close(w, '}');
}

void json_open_array(struct json_writer *w, const char *name)
{
	open(w, name, '[');
}

void json_close_array(struct json_writer *w)
{
	close(w, ']');
}

void json_put_str(struct json_writer *w, const char *name, struct str v)
{
	begin_value(w, name);
	write_string(w->out, v);
}

void json_put_z(struct json_writer *w, const char *name, const char *v)
{
	json_put_str(w, name, str_of(v));
}

void json_put_strs(
	struct json_writer *w, const char *name, const struct str *v, size_t n)
{
	json_open_array(w, name);
	for (size_t i = 0; i < n; i++)
		json_put_str(w, NULL, v[i]);
	json_close_array(w);
}

void json_put_int(struct json_writer *w, const char *name, int64_t v)
{
	begin_value(w, name);
	sbuf_fmt(w->out, "%lld", (long long)v);
}

void json_put_bool(struct json_writer *w, const char *name, bool v)
{
	begin_value(w, name);
	sbuf_addz(w->out, v ? "true" : "false");
}

void json_put_null(struct json_writer *w, const char *name)
{
	begin_value(w, name);
	sbuf_addz(w->out, "null");
}

/*
 * As begin_value, for a name that was parsed (it may hold NUL bytes). The
 * recursion below is as deep as json_parse let the tree become.
 */
static void put_node(struct json_writer *w, const struct json *v);

static void put_member(struct json_writer *w, const struct json *v)
{
	begin_value(w, NULL);
	write_string(w->out, v->name);
	sbuf_addz(w->out, w->indent > 0 ? ": " : ":");
	put_node(w, v);
}

static void put_children(struct json_writer *w, const struct json *parent)
{
	w->depth++;
	w->comma = false;
	for (const struct json *v = parent->first; v != NULL; v = v->next) {
		if (parent->type == JSON_OBJECT) {
			put_member(w, v);
		} else {
			begin_value(w, NULL);
			put_node(w, v);
		}
	}
}

/* The value alone: what stands before it has been written. */
static void put_node(struct json_writer *w, const struct json *v)
{
	switch (v->type) {
	case JSON_NULL:
		sbuf_addz(w->out, "null");
		break;
	case JSON_BOOL:
		sbuf_addz(w->out, v->boolean ? "true" : "false");
		break;
	case JSON_NUMBER:
		sbuf_add(w->out, v->text);
		break;
	case JSON_STRING:
		write_string(w->out, v->text);
		break;
	case JSON_ARRAY:
		sbuf_addc(w->out, '[');
		put_children(w, v);
		close(w, ']');
		break;
	case JSON_OBJECT:
		sbuf_addc(w->out, '{');
		put_children(w, v);
		close(w, '}');
		break;
	}
}

void json_put_tree(
	struct json_writer *w, const char *name, const struct json *v)
{
	begin_value(w, name);
	put_node(w, v);
}
