/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "tests/testing.h"

#include "proto/http_chunked.h"
#include "proto/http_head.h"

#include "base/poison.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define H "Host: a.example\r\n"
#define END "\r\n"

/* Requests that are refused, the answer, and the rule. */
static const struct {
	const char *head;
	int code;
	const char *rule;
} refused[] = {
	{ "GET / HTTP/1.1\r\n" END, 400, "9112 3.2: Host is required" },
	{ "GET / HTTP/1.1\r\n" H H END, 400, "9112 3.2: one Host" },
	{ "GET / HTTP/1.1\r\nHost: a b\r\n" END, 400, "9110 7.2" },
	{ "GET / HTTP/1.1\r\nHost: a@b\r\n" END, 400, "9110 7.2" },
	{ "GET / HTTP/1.1\r\nHost: a:8x\r\n" END, 400, "9110 7.2: port" },
	{ "GET / HTTP/1.1\r\nHost: [::1\r\n" END, 400, "9110 7.2: literal" },
	{ "GET / HTTP/1.1\r\nHost: [::1]x\r\n" END, 400, "9110 7.2" },
	{ "GET  / HTTP/1.1\r\n" H END, 400, "9112 3: one SP" },
	{ "GET / HTTP/1.1 \r\n" H END, 400, "9112 3" },
	{ " GET / HTTP/1.1\r\n" H END, 400, "9112 3" },
	{ "GET /\r\n" H END, 400, "9112 3: HTTP/0.9 is gone" },
	{ "GET /\tx HTTP/1.1\r\n" H END, 400, "9112 3.2" },
	{ "GET x HTTP/1.1\r\n" H END, 400, "9112 3.2" },
	{ "GET /#x HTTP/1.1\r\n" H END, 400, "9112 3.2: no fragment" },
	{ "GET * HTTP/1.1\r\n" H END, 400, "9112 3.2.4: OPTIONS only" },
	{ "GET http://b.example/ HTTP/1.1\r\n" H END, 400, "9112 3.2.2" },
	{ "GET http:/// HTTP/1.1\r\n" H END, 400, "9112 3.2.2" },
	{ "GET http://a.example HTTP/1.1\r\n" H END, 400, "9112 3.2.1" },
	{ "CONNECT a.example:443 HTTP/1.1\r\n" H END, 400, "9112 3.2.3" },
	{ "G@T / HTTP/1.1\r\n" H END, 400, "9110 9.1: token" },
	{ "AAAAAAAAAAAAAAAAA / HTTP/1.1\r\n" H END, 400, "method too long" },
	{ "GET / HTTP/2.0\r\n" H END, 505, "9110 2.5" },
	{ "GET / HTTP/1.10\r\n" H END, 400, "9112 2.3" },
	{ "GET / http/1.1\r\n" H END, 400, "9112 2.3: case-sensitive" },
	{ "GET / HTTP/1.1\r\n" H "X : y\r\n" END, 400, "9112 5.1" },
	{ "GET / HTTP/1.1\r\n" H "X: y\r\n z\r\n" END, 400, "9112 5.2: fold" },
	{ "GET / HTTP/1.1\r\n Host: x\r\n" H END, 400, "9112 2.2" },
	{ "GET / HTTP/1.1\r\n" H "X\r\n" END, 400, "9112 5: colon" },
	{ "GET / HTTP/1.1\r\n" H ": y\r\n" END, 400, "9112 5: name" },
	{ "GET / HTTP/1.1\r\n" H "X: \x01\r\n" END, 400, "9110 5.5" },
	{ "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\n"
	  "Content-Length: 1\r\n" END,
		400, "9112 6.3: lengths" },
	{ "POST / HTTP/1.1\r\n" H "Content-Length: 1, 1\r\n" END, 400, "6.3" },
	{ "POST / HTTP/1.1\r\n" H "Content-Length: +1\r\n" END, 400,
		"9110 8.6" },
	{ "POST / HTTP/1.1\r\n" H "Content-Length: 0x1\r\n" END, 400, "8.6" },
	{ "POST / HTTP/1.1\r\n" H "Content-Length:\r\n" END, 400, "8.6" },
	{ "POST / HTTP/1.1\r\n" H
	  "Content-Length: 99999999999999999999\r\n" END,
		400, "8.6" },
	{ "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\n"
	  "Transfer-Encoding: chunked\r\n" END,
		400, "9112 6.1: both" },
	{ "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"
	  "Transfer-Encoding: chunked\r\n" END,
		400, "9112 6.1: twice" },
	{ "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n" END, 400,
		"9112 6.1: 1.0" },
	{ "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n" END,
		501, "9112 6.1" },
	{ "POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n" END, 501,
		"9112 6.1" },
	{ "POST / HTTP/1.1\r\n" H "Expect: lunch\r\n" END, 417, "9110 10.1.1" },
};

static void requests_that_parsers_disagree_about_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct str in = str_of(refused[i].head);
		struct http_request r;
		struct err e = {};
		size_t at = 0, n;
		int code = 0;

		assert_int_equal(http_head_find(in, &at, &n), ST_OK);
		assert_int_equal(n, in.n);
		if (http_request_parse(in, &r, &code, &e) == ST_OK ||
			code != refused[i].code || e.text[0] == '\0')
			fail_msg("%s (%s): %d %s", refused[i].head,
				refused[i].rule, code, e.text);
	}
}

static struct http_request parsed(const char *head)
{
	struct http_request r = {};
	struct err e = {};
	int code;

	if (http_request_parse(str_of(head), &r, &code, &e) != ST_OK)
		fail_msg("%s: %s", head, e.text);
	return r;
}

static void good_requests_are_read(void **state)
{
	struct http_request r;

	(void)state;
	r = parsed("GET /a/b?c=d?e HTTP/1.1\r\nHost: A.example:443\r\n"
		   "X-Y:  \t z z \t\r\nEmpty:\r\n\r\n");
	assert_int_equal(r.method, HTTP_GET);
	assert_str(r.path, "/a/b");
	assert_str(r.query, "c=d?e");
	assert_str(r.host, "A.example");
	assert_true(r.keep_alive);
	assert_int_equal(r.framing, HTTP_BODY_NONE);
	assert_int_equal(r.fields.n, 3);
	assert_str(http_field_get(&r.fields, STR("x-y")), "z z");
	assert_str(http_field_get(&r.fields, STR("empty")), "");
	assert_null(http_field_get(&r.fields, STR("none")).p);

	r = parsed("\r\nHEAD / HTTP/1.0\r\n\r\n");
	assert_int_equal(r.method, HTTP_HEAD);
	assert_int_equal(r.minor, 0);
	assert_false(r.keep_alive);
	assert_int_equal(r.host.n, 0);
	assert_null(r.query.p);

	r = parsed("GET / HTTP/1.0\r\nConnection: x, Keep-Alive\r\n\r\n");
	assert_true(r.keep_alive);
	r = parsed("GET / HTTP/1.1\r\n" H "Connection: x ,CLOSE\r\n\r\n");
	assert_false(r.keep_alive);
	r = parsed("GET / HTTP/1.9\r\n" H "\r\n");
	assert_int_equal(r.minor, 1);

	r = parsed("GET HTTPS://a.Example:443/x HTTP/1.1\r\n" H "\r\n");
	assert_str(r.host, "a.Example");
	assert_str(r.path, "/x");
	r = parsed("OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n");
	assert_str(r.host, "[::1]");
	assert_int_equal(r.method, HTTP_OTHER);
	assert_str(r.method_text, "OPTIONS");

	r = parsed("POST / HTTP/1.1\r\n" H "Content-Length: 007\r\n"
		   "Expect: 100-Continue\r\n\r\n");
	assert_int_equal(r.framing, HTTP_BODY_LENGTH);
	assert_int_equal(r.length, 7);
	assert_true(r.expect_continue);
	r = parsed(
		"POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n");
	assert_int_equal(r.framing, HTTP_BODY_CHUNKED);
	assert_false(r.expect_continue);
}

static void the_end_of_a_head_is_found_at_any_split(void **state)
{
	static const char head[] = "\r\nGET / HTTP/1.1\r\n" H
				   "A: b\r\n\r\nrest";
	struct str in = str_of(head);
	size_t want = in.n - 4, n;

	(void)state;
	for (size_t split = 0; split <= in.n; split++) {
		size_t at = 0;
		enum status st = http_head_find(str_upto(in, split), &at, &n);

		assert_int_equal(st, split < want ? ST_AGAIN : ST_OK);
		if (st == ST_OK)
			assert_int_equal(n, want);
		n = 0;
		assert_int_equal(http_head_find(in, &at, &n), ST_OK);
		assert_int_equal(n, want);
	}
}

static void lone_cr_and_lf_are_refused(void **state)
{
	static const char *const bad[] = { "GET / HTTP/1.1\nHost: a\n\n", "\n",
		"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", "\r\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n\n" };
	size_t n;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		size_t at = 0;

		assert_int_equal(
			http_head_find(str_of(bad[i]), &at, &n), ST_INVALID);
	}
}

static void caps_hold(void **state)
{
	static char big[HTTP_HEAD_BYTES_MAX * 2];
	struct sbuf b = sbuf_fixed(big, sizeof(big));
	struct http_request r;
	struct err e;
	size_t at = 0, n;
	int code;

	(void)state;
	sbuf_addz(&b, "GET / HTTP/1.1\r\n" H);
	for (int i = 0; i < HTTP_FIELDS_MAX; i++)
		sbuf_addz(&b, "X: y\r\n");
	sbuf_addz(&b, END);
	assert_int_equal(
		http_request_parse(sbuf_str(&b), &r, &code, &e), ST_LIMIT);
	assert_int_equal(code, 431);

	b = sbuf_fixed(big, sizeof(big));
	sbuf_addz(&b, "GET /");
	for (int i = 0; i < HTTP_TARGET_BYTES_MAX; i++)
		sbuf_addc(&b, 'a');
	sbuf_addz(&b, " HTTP/1.1\r\n" H END);
	assert_int_equal(
		http_request_parse(sbuf_str(&b), &r, &code, &e), ST_LIMIT);
	assert_int_equal(code, 414);

	memset(big, 'a', sizeof(big));
	assert_int_equal(
		http_head_find(
			(struct str){ big, HTTP_HEAD_BYTES_MAX - 1 }, &at, &n),
		ST_AGAIN);
	assert_int_equal(
		http_head_find((struct str){ big, sizeof(big) }, &at, &n),
		ST_LIMIT);
}

static const struct {
	const char *in;
	enum status st;
	const char *body;
	const char *left;
} chunked[] = {
	{ "0\r\n\r\n", ST_OK, "", "" },
	{ "4\r\nWiki\r\nC;x=\"y\"\r\n\r\n in chunks\r\n0\r\n\r\nGET", ST_OK,
		"Wiki\r\n in chunks", "GET" },
	{ "00A\r\n0123456789\r\n000\r\nA: b\r\nC: d\r\n\r\nx", ST_OK,
		"0123456789", "x" },
	{ "4\r\nWi", ST_AGAIN, "Wi", "" },
	{ "4\r\nWikix\r\n", ST_INVALID, "Wiki", NULL },
	{ "4\nWiki", ST_INVALID, "", NULL },
	{ "4 \r\nWiki", ST_INVALID, "", NULL },
	{ "\r\n", ST_INVALID, "", NULL },
	{ "-1\r\n", ST_INVALID, "", NULL },
	{ "0x4\r\nWiki", ST_INVALID, "", NULL },
	{ "ffffffffffffffff\r\n", ST_LIMIT, "", NULL },
	{ "0\r\nA\n\r\n", ST_INVALID, "", NULL },
	{ "1;\n\r\nx", ST_INVALID, "", NULL },
};

static void chunked_one(size_t row, size_t step)
{
	struct str in = str_of(chunked[row].in), rest = { "", 0 };
	struct http_chunked c = {};
	char body[64];
	struct sbuf b = sbuf_fixed(body, sizeof(body));
	enum status st = ST_AGAIN;

	for (size_t i = 0; i < in.n && st == ST_AGAIN; i += step) {
		struct str piece;

		rest = str_upto(str_from(in, i), step);
		do {
			st = http_chunked_take(&c, &rest, &piece);
			sbuf_add(&b, piece);
		} while (st == ST_OK && piece.n > 0);
	}
	assert_int_equal(st, chunked[row].st);
	assert_str(sbuf_str(&b), chunked[row].body);
	if (step > in.n && chunked[row].left != NULL)
		assert_str(rest, chunked[row].left);
}

static void chunked_bodies_at_any_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(chunked); i++)
		for (size_t step = 1; step < 64; step++)
			chunked_one(i, step);
}

static void responses_are_read(void **state)
{
	struct http_response r;
	struct err e;

	(void)state;
	assert_int_equal(http_response_parse(STR("HTTP/1.1 201 Very Created\r\n"
						 "Content-Length: 3\r\n\r\n"),
				 false, &r, &e),
		ST_OK);
	assert_int_equal(r.code, 201);
	assert_int_equal(r.framing, HTTP_BODY_LENGTH);
	assert_true(r.keep_alive);
	assert_int_equal(http_response_parse(
				 STR("HTTP/1.1 200 \r\n\r\n"), false, &r, &e),
		ST_OK);
	assert_int_equal(r.framing, HTTP_BODY_TO_CLOSE);
	assert_false(r.keep_alive);
	assert_int_equal(http_response_parse(STR("HTTP/1.1 200 OK\r\n"
						 "Content-Length: 9\r\n\r\n"),
				 true, &r, &e),
		ST_OK);
	assert_int_equal(r.framing, HTTP_BODY_NONE);
	assert_int_equal(r.length, 9);
	assert_int_equal(http_response_parse(
				 STR("HTTP/1.1 20 OK\r\n\r\n"), false, &r, &e),
		ST_INVALID);
	assert_int_equal(http_response_parse(
				 STR("HTTP/2 200 OK\r\n\r\n"), false, &r, &e),
		ST_INVALID);
}

static void what_is_written_is_read_back(void **state)
{
	char head[512], date[64];
	struct sbuf b = sbuf_fixed(head, sizeof(head));
	struct sbuf d = sbuf_fixed(date, sizeof(date));
	struct http_response r;
	struct err e;

	(void)state;
	http_date_write(&d, (struct unix_time){ 784111777 });
	assert_str(sbuf_str(&d), "Sun, 06 Nov 1994 08:49:37 GMT");
	http_answer_write(&b, &(struct http_answer){
				      .code = 404,
				      .date = sbuf_str(&d),
				      .content_type = STR("text/plain"),
				      .extra = STR("Allow: GET, HEAD\r\n"),
				      .length = 12,
				      .keep_alive = true,
			      });
	assert_true(sbuf_ok(&b));
	assert_int_equal(
		http_response_parse(sbuf_str(&b), false, &r, &e), ST_OK);
	assert_int_equal(r.code, 404);
	assert_int_equal(r.length, 12);
	assert_str(http_field_get(&r.fields, STR("allow")), "GET, HEAD");
	assert_str(http_field_get(&r.fields, STR("connection")), "keep-alive");
	assert_null(http_field_get(&r.fields, STR("cache-control")).p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			requests_that_parsers_disagree_about_are_refused),
		cmocka_unit_test(good_requests_are_read),
		cmocka_unit_test(the_end_of_a_head_is_found_at_any_split),
		cmocka_unit_test(lone_cr_and_lf_are_refused),
		cmocka_unit_test(caps_hold),
		cmocka_unit_test(chunked_bodies_at_any_split),
		cmocka_unit_test(responses_are_read),
		cmocka_unit_test(what_is_written_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
