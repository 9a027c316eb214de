/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first byte is the size of the pieces the rest comes in. Whatever it is,
 * the answer is the one the whole would give, and no larger than allowed.
 */
#include <stdint.h>

#include "base/bug.h"
#include "proto/http_reader.h"

#include "base/poison.h"

#define MAX_BYTES 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum status read_in(
	struct http_reader *r, struct arena *a, struct str in, size_t size)
{
	enum status st = ST_AGAIN;
	struct err e = {};

	http_reader_init(r, a, MAX_BYTES);
	while (st == ST_AGAIN && in.n > 0) {
		st = http_reader_take(r, str_upto(in, size), &e);
		in = str_from(in, size);
	}
	if (st == ST_AGAIN)
		st = http_reader_end(r, true, &e);
	BUG(st != ST_OK && e.text[0] == '\0');
	return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_reader whole, pieces;
	struct arena *a = arena_must(0);
	enum status st;
	struct str in;

	if (size > 0) {
		in = (struct str){ (const char *)data + 1, size - 1 };
		st = read_in(&whole, a, in, SIZE_MAX);
		BUG(read_in(&pieces, a, in, data[0] + 1u) != st);
		if (st == ST_OK) {
			BUG(whole.code != pieces.code);
			BUG(whole.body.n > MAX_BYTES);
			BUG(!str_eq(
				sbuf_str(&whole.body), sbuf_str(&pieces.body)));
			BUG(!str_eq(whole.content_type, pieces.content_type));
		}
	}
	arena_free(&a);
	return 0;
}
