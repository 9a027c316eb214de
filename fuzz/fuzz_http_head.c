/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first byte picks the reader: 0 request, 1 response, 2 response to HEAD,
 * else a chunked body. Whole input and byte by byte must agree, and what the
 * readers return lies inside the input.
 */
#include <stdint.h>

#include "base/bug.h"
#include "proto/http_chunked.h"
#include "proto/http_head.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(struct str part, struct str whole)
{
	return part.n == 0 ||
	       (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static enum status find_bytewise(struct str in, size_t *n)
{
	enum status st = ST_AGAIN;
	size_t at = 0;

	for (size_t i = 1; i <= in.n && st == ST_AGAIN; i++)
		st = http_head_find(str_upto(in, i), &at, n);
	return st;
}

static void fields_inside(const struct http_fields *f, struct str head)
{
	BUG(f->n > HTTP_FIELDS_MAX);
	for (size_t i = 0; i < f->n; i++) {
		BUG(!inside(f->items[i].name, head));
		BUG(!inside(f->items[i].value, head));
		BUG(f->items[i].name.n == 0);
	}
}

static void request(struct str head)
{
	struct http_request r;
	struct err e;
	int code;

	if (http_request_parse(head, &r, &code, &e) != ST_OK) {
		BUG(code < 400);
		return;
	}
	BUG(!inside(r.path, head) || !inside(r.query, head));
	BUG(!inside(r.host, head) || !inside(r.target, head));
	BUG(r.framing == HTTP_BODY_TO_CLOSE);
	fields_inside(&r.fields, head);
}

static void response(struct str head, bool to_head)
{
	struct http_response r;
	struct err e;

	if (http_response_parse(head, to_head, &r, &e) == ST_OK)
		fields_inside(&r.fields, head);
}

static enum status drain(struct str in, size_t step, uint64_t *sum)
{
	struct http_chunked c = {};
	enum status st = ST_AGAIN;

	for (size_t i = 0; i < in.n && st == ST_AGAIN; i += step) {
		struct str part = str_upto(str_from(in, i), step), piece;

		for (;;) {
			st = http_chunked_take(&c, &part, &piece);
			if (st != ST_OK || piece.n == 0)
				break;
			for (size_t k = 0; k < piece.n; k++)
				*sum = *sum * 31 + (uint8_t)piece.p[k];
		}
	}
	return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data + 1, size - 1 };
	uint64_t whole = 0, bytewise = 0;
	size_t at = 0, n = 0, n2 = 0;
	enum status st;

	if (size == 0)
		return 0;
	if (data[0] > 2) {
		BUG(drain(in, in.n + 1, &whole) != drain(in, 1, &bytewise));
		BUG(whole != bytewise);
		return 0;
	}
	st = http_head_find(in, &at, &n);
	BUG(in.n > 0 && st != find_bytewise(in, &n2));
	BUG(n != n2);
	if (st != ST_OK)
		return 0;
	if (data[0] == 0)
		request(str_upto(in, n));
	else
		response(str_upto(in, n), data[0] == 2);
	return 0;
}
