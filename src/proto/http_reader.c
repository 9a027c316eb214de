/* SPDX-License-Identifier: Apache-2.0 */
/* http_reader: http_head and http_chunked, one behind the other. */
#include <string.h>

#include "proto/http_reader.h"

#include "base/poison.h"

void http_reader_init(struct http_reader *r, struct arena *a, size_t max_bytes)
{
	*r = (struct http_reader){ .a = a, .body = sbuf_arena(a, max_bytes) };
}

static enum status too_large(const struct http_reader *r, struct err *e)
{
	return err_set(e, ST_LIMIT, "the answer is larger than %zu bytes",
		r->body.max);
}

static enum status add_body(
	struct http_reader *r, struct str piece, struct err *e)
{
	sbuf_add(&r->body, piece);
	return sbuf_ok(&r->body) ? ST_OK : too_large(r, e);
}

static enum status take_chunked(
	struct http_reader *r, struct str in, struct err *e)
{
	struct str piece;
	enum status st;

	while ((st = http_chunked_take(&r->chunked, &in, &piece)) == ST_OK) {
		if (piece.n == 0)
			return ST_OK;
		st = add_body(r, piece, e);
		if (st != ST_OK)
			return st;
	}
	if (st == ST_AGAIN)
		return ST_AGAIN;
	return err_set(e, ST_INVALID,
		"the chunked body is broken (RFC 9112 section 7.1)");
}

static enum status take_body(
	struct http_reader *r, struct str in, struct err *e)
{
	enum status st;

	if (r->framing == HTTP_BODY_CHUNKED)
		return take_chunked(r, in, e);
	if (r->framing == HTTP_BODY_LENGTH)
		in = str_upto(in, r->left);
	st = add_body(r, in, e);
	if (st != ST_OK)
		return st;
	r->left -= r->framing == HTTP_BODY_LENGTH ? in.n : 0;
	return r->framing == HTTP_BODY_LENGTH && r->left == 0 ? ST_OK
							      : ST_AGAIN;
}

/* ST_AGAIN: now for the body; else as http_reader_take. */
static enum status take_response(
	struct http_reader *r, const struct http_response *h, struct err *e)
{
	struct str coding = http_field_get(&h->fields, STR("Content-Encoding"));
	struct str type = http_field_get(&h->fields, STR("Content-Type"));

	if (coding.n > 0 && !str_eq_nocase(coding, STR("identity")))
		return err_set(e, ST_INVALID,
			"the answer has a Content-Encoding, for which nobody "
			"asked");
	r->code = h->code;
	if (type.p != NULL)
		r->content_type = arena_str(r->a, type);
	if (type.p != NULL && r->content_type.p == NULL)
		return too_large(r, e);
	if (h->code != 200 || h->framing == HTTP_BODY_NONE)
		return ST_OK;
	if (h->framing == HTTP_BODY_LENGTH && h->length > r->body.max)
		return too_large(r, e);
	r->framing = h->framing;
	r->left = h->length;
	r->in_body = true;
	return ST_AGAIN;
}

/* The first n bytes are a head; they are taken off. */
static enum status take_head(struct http_reader *r, size_t n, struct err *e)
{
	struct http_response h;
	enum status st = http_response_parse(
		(struct str){ r->head, n }, false, &h, e);

	if (st != ST_OK)
		return st;
	if (h.code >= 200)
		st = take_response(r, &h, e);
	else if (h.code == 101 || ++r->interim > HTTP_INTERIM_MAX)
		st = err_set(e, ST_INVALID, "status %d is no answer to a GET",
			h.code);
	else
		st = ST_AGAIN;
	r->n_head -= n;
	memmove(r->head, r->head + n, r->n_head);
	r->looked = 0;
	return st;
}

/* Looks for heads in what is there. ST_AGAIN: in_body tells which is next. */
static enum status look(struct http_reader *r, struct err *e)
{
	size_t n = 0;
	enum status st = ST_AGAIN;

	while (st == ST_AGAIN && !r->in_body) {
		st = http_head_find(
			(struct str){ r->head, r->n_head }, &r->looked, &n);
		if (st == ST_AGAIN)
			return r->n_head < sizeof(r->head) ? ST_AGAIN
							   : ST_LIMIT;
		if (st == ST_OK)
			st = take_head(r, n, e);
	}
	return st;
}

static enum status take_head_bytes(
	struct http_reader *r, struct str *in, struct err *e)
{
	struct str piece = str_upto(*in, sizeof(r->head) - r->n_head);
	struct err why = {};
	enum status st;

	if (piece.n > 0)
		memcpy(r->head + r->n_head, piece.p, piece.n);
	r->n_head += piece.n;
	*in = str_from(*in, piece.n);
	st = look(r, &why);
	if (st == ST_LIMIT || st == ST_INVALID)
		return err_set(e, st, "%s",
			why.text[0] != '\0' ? why.text
			: st == ST_LIMIT ? "the head of the answer is too large"
					 : "the answer is no HTTP");
	return st;
}

enum status http_reader_take(
	struct http_reader *r, struct str in, struct err *e)
{
	enum status st = ST_AGAIN;

	while (st == ST_AGAIN && !r->in_body) {
		st = take_head_bytes(r, &in, e);
		if (st != ST_AGAIN || (!r->in_body && in.n == 0))
			return st;
		if (r->in_body)
			st = take_body(
				r, (struct str){ r->head, r->n_head }, e);
	}
	if (st == ST_AGAIN)
		st = take_body(r, in, e);
	return st;
}

enum status http_reader_end(
	const struct http_reader *r, bool clean, struct err *e)
{
	if (!r->in_body)
		return err_set(e, ST_INVALID,
			"the connection was closed without an answer");
	if (clean && r->framing == HTTP_BODY_TO_CLOSE)
		return ST_OK;
	return err_set(e, ST_INVALID, "the answer was cut short");
}
