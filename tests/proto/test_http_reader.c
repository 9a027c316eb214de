/* SPDX-License-Identifier: Apache-2.0 */
/* http_reader: whole, in pieces of any size, cut at every offset. */
#include "base/mem.h"
#include "proto/http_reader.h"
#include "tests/parser_laws.h"

#include "base/poison.h"

#define MAX_BYTES 20
#define OK "HTTP/1.1 200 OK\r\n"
#define TYPE "Content-Type: text/plain\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"

struct row {
	const char *rule;
	const char *text;
	enum status st, end; /* end: at its end, if st is ST_AGAIN */
	int code;
	const char *body;
};

static const struct row rows[] = {
	{ "a length", OK TYPE "Content-Length: 5\r\n\r\nhello", ST_OK, ST_OK,
		200, "hello" },
	{ "more than the length", OK "Content-Length: 5\r\n\r\nhello, you",
		ST_OK, ST_OK, 200, "hello" },
	{ "length 0", OK "Content-Length: 0\r\n\r\n", ST_OK, ST_OK, 200, "" },
	{ "cut", OK "Content-Length: 5\r\n\r\nhell", ST_AGAIN, ST_INVALID, 200,
		NULL },
	{ "to the close", OK "\r\nhello", ST_AGAIN, ST_OK, 200, "hello" },
	{ "chunked", OK CHUNKED "\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
		ST_OK, ST_OK, 200, "hello" },
	{ "chunked, cut", OK CHUNKED "\r\n2\r\nhe\r\n", ST_AGAIN, ST_INVALID,
		200, NULL },
	{ "chunked, broken", OK CHUNKED "\r\nz\r\n", ST_INVALID },
	{ "the largest body",
		OK "Content-Length: 20\r\n\r\n"
		   "01234567890123456789",
		ST_OK, ST_OK, 200, "01234567890123456789" },
	{ "a length too large", OK "Content-Length: 21\r\n\r\n", ST_LIMIT },
	{ "a body too large", OK "\r\n012345678901234567890", ST_LIMIT },
	{ "a chunk too large", OK CHUNKED "\r\n15\r\n012345678901234567890",
		ST_LIMIT },
	{ "no body but with 200",
		"HTTP/1.1 404 No\r\nContent-Length: 900\r\n"
		"\r\n",
		ST_OK, ST_OK, 404, "" },
	{ "a redirect is an answer", "HTTP/1.1 302 Go\r\nLocation: /\r\n\r\n",
		ST_OK, ST_OK, 302, "" },
	{ "interim answers",
		"HTTP/1.1 100 Continue\r\n\r\n"
		"HTTP/1.1 103 Hints\r\nLink: a\r\n\r\n" OK
		"Content-Length: 2\r\n\r\nhi",
		ST_OK, ST_OK, 200, "hi" },
	{ "too many",
		"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\n"
		"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\n"
		"HTTP/1.1 100 C\r\n\r\n",
		ST_INVALID },
	{ "another protocol", "HTTP/1.1 101 Switching\r\n\r\n", ST_INVALID },
	{ "a coding", OK "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
		ST_INVALID },
	{ "identity is none",
		OK "Content-Encoding: identity\r\n"
		   "Content-Length: 1\r\n\r\nx",
		ST_OK, ST_OK, 200, "x" },
	{ "no HTTP", "220 mail.example ESMTP\r\n\r\n", ST_INVALID },
	{ "bare LF", "HTTP/1.1 200 OK\n\n", ST_INVALID },
	{ "no end of the head", OK TYPE, ST_AGAIN, ST_INVALID, 0, NULL },
	{ "nothing", "", ST_AGAIN, ST_INVALID, 0, NULL },
};

/* In pieces of size bytes; the status when all is in. */
static enum status read_in(struct http_reader *r, struct arena *a,
	struct str text, size_t size, struct err *e)
{
	enum status st = ST_AGAIN;

	http_reader_init(r, a, MAX_BYTES);
	while (st == ST_AGAIN && text.n > 0) {
		struct str piece = str_upto(text, size);
		char *copy = mem_must(piece.n);

		memcpy(copy, piece.p, piece.n);
		st = http_reader_take(r, (struct str){ copy, piece.n }, e);
		mem_free(copy);
		text = str_from(text, piece.n);
	}
	return st;
}

static void check(const struct row *row, size_t size)
{
	struct arena *a = arena_must(0);
	struct http_reader r;
	struct err e = {};
	enum status st = read_in(&r, a, str_of(row->text), size, &e);

	if (st != row->st)
		print_error("%s, by %zu: %s %s\n", row->rule, size,
			status_name(st), e.text);
	assert_int_equal(st, row->st);
	if (st == ST_AGAIN) {
		st = http_reader_end(&r, true, &e);
		assert_int_equal(st, row->end);
		assert_int_equal(http_reader_end(&r, false, &e), ST_INVALID);
	}
	if (st == ST_OK) {
		assert_int_equal(r.code, row->code);
		assert_str(sbuf_str(&r.body), row->body);
	} else {
		assert_true(e.text[0] != '\0');
	}
	arena_free(&a);
}

static void in_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t size = 1; size <= strlen(rows[i].text) + 1; size++)
			check(&rows[i], size);
}

static void media_type_is_kept(void **state)
{
	struct arena *a = arena_must(0);
	struct http_reader r;
	struct err e = {};

	(void)state;
	assert_int_equal(read_in(&r, a, str_of(rows[0].text), 1000, &e), ST_OK);
	assert_str(r.content_type, "text/plain");
	assert_int_equal(read_in(&r, a, str_of(rows[1].text), 1000, &e), ST_OK);
	assert_null(r.content_type.p);
	arena_free(&a);
}

static void heads_are_capped(void **state)
{
	struct arena *a = arena_must(0);
	struct sbuf b = sbuf_arena(a, 100000);
	struct http_reader r;
	struct err e = {};

	(void)state;
	sbuf_addz(&b, OK);
	while (b.n < HTTP_HEAD_BYTES_MAX)
		sbuf_addz(&b, "X-A: 0123456789012345678901234567890\r\n");
	for (size_t size = 1; size < 20000; size = size * 3 + 1)
		assert_int_equal(
			read_in(&r, a, sbuf_str(&b), size, &e), ST_LIMIT);
	arena_free(&a);
}

static enum status parse(struct arena *a, struct str text)
{
	struct http_reader r;
	struct err e = {};
	enum status st = read_in(&r, a, text, SIZE_MAX, &e);

	return st == ST_AGAIN ? http_reader_end(&r, true, &e) : st;
}

static void laws(void **state)
{
	(void)state;
	law_truncated(parse, str_of(rows[0].text));
	law_truncated(parse, str_of(rows[5].text));
	law_no_memory(parse, str_of(rows[0].text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_pieces),
		cmocka_unit_test(media_type_is_kept),
		cmocka_unit_test(heads_are_capped),
		cmocka_unit_test(laws),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
