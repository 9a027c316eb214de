/* SPDX-License-Identifier: Apache-2.0 */
/* The edge takes reports: into the spool, or refused with a reason. */
#include "tests/hosting/edge_fixture.h"

#include "base/poison.h"

static size_t stored(struct fixture *f, struct str *body)
{
	struct spool_names names;
	struct spool_meta meta;
	struct err e;

	assert_int_equal(
		spool_list(f->spool, SPOOL_NEW, 99, f->arena, &names, &e),
		ST_OK);
	if (names.n == 0)
		return 0;
	assert_int_equal(spool_read(f->spool, SPOOL_NEW, names.items[0],
				 f->arena, &meta, body, &e),
		ST_OK);
	assert_str(meta.id, "abcdefgh23456777");
	assert_str(meta.remote, "127.0.0.1");
	assert_str(meta.content_type, "application/tlsrpt+gzip");
	return names.n;
}

static void a_report_is_stored_before_201(void **state)
{
	static const char *const posts[] = {
		POST_HEAD "Content-Length: 5\r\n\r\nhello",
		POST_HEAD "Transfer-Encoding: chunked\r\n\r\n"
			  "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
		POST_HEAD "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
			  "hello",
	};
	struct fixture f;
	struct client *c;
	struct str body;

	(void)state;
	start(&f);
	c = dial_as(&f, "rua.example");
	for (size_t i = 0; i < COUNT(posts); i++) {
		say(c, str_of(posts[i]));
		expect(c, "HTTP/1.1 201 Created\r\n", i + 1);
		assert_int_equal(stored(&f, &body), i + 1);
		assert_str(body, "hello");
	}
	assert_int_equal(times(c->got, "HTTP/1.1 100 Continue\r\n\r\n"), 1);
	hang_up(&c);
	finish(&f);
}

static void reports_are_refused_before_the_body(void **state)
{
	static const struct {
		const char *request, *answer;
	} rows[] = {
		{ "POST /v1/tlsrpt/unknownunknown22 HTTP/1.1\r\n"
		  "Host: rua.example\r\nContent-Length: 5\r\n\r\n",
			"HTTP/1.1 404 " },
		{ "POST /v1/tlsrpt/ HTTP/1.1\r\nHost: rua.example\r\n"
		  "Content-Length: 5\r\n\r\n",
			"HTTP/1.1 404 " },
		{ "POST " TLSRPT " HTTP/1.1\r\nHost: rua.example\r\n"
		  "Content-Length: 5\r\n\r\n",
			"HTTP/1.1 415 " },
		{ "POST " TLSRPT " HTTP/1.1\r\nHost: rua.example\r\n"
		  "Content-Type: text/html\r\nContent-Length: 5\r\n\r\n",
			"HTTP/1.1 415 " },
		{ POST_HEAD "\r\n", "HTTP/1.1 411 " },
		{ POST_HEAD "Content-Length: 0\r\n\r\n", "HTTP/1.1 400 " },
		{ POST_HEAD "Content-Length: 10001\r\n\r\n", "HTTP/1.1 413 " },
		{ POST_HEAD "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
			"HTTP/1.1 400 " },
		{ POST_HEAD "Content-Length: 1\r\n"
			    "Transfer-Encoding: chunked\r\n\r\n",
			"HTTP/1.1 400 " },
	};
	struct fixture f;
	struct client *c;
	struct str body;

	(void)state;
	start(&f);
	for (size_t i = 0; i < COUNT(rows); i++)
		ask(&f, "rua.example", rows[i].request, rows[i].answer);
	/* chunks that never end */
	c = dial_as(&f, "rua.example");
	say(c, STR(POST_HEAD "Transfer-Encoding: chunked\r\n\r\n"
			     "fffff\r\n"));
	for (int i = 0; i < 11; i++) {
		char junk[1000] = {};

		say(c, (struct str){ junk, sizeof(junk) });
		turn(&f);
	}
	expect(c, "HTTP/1.1 413 ", 1);
	expect_closed(c);
	hang_up(&c);
	assert_int_equal(stored(&f, &body), 0);
	finish(&f);
}

static void quotas_answer_429(void **state)
{
	struct edge_options options = OPTIONS;
	struct fixture f;
	struct client *c;

	(void)state;
	options.per_id.reports = 2 * SPOOL_QUOTA_SHARE_PART;
	start_with(&f, options);
	log_set_level(LOG_ERROR);
	c = dial_as(&f, "rua.example");
	for (int i = 0; i < 3; i++)
		say(c, STR(POST_HEAD "Content-Length: 1\r\n\r\nx"));
	expect(c, "HTTP/1.1 429 Too Many Requests\r\n", 1);
	assert_int_equal(times(c->got, "HTTP/1.1 201 "), 2);
	assert_non_null(strstr(c->got, "Retry-After: "));
	hang_up(&c);
	finish(&f);
}

/* Who announces much and goes away uses up nobody's quota. */
static void what_did_not_come_does_not_count(void **state)
{
	static const char *const begun[] = { POST_HEAD
		"Content-Length: 10000\r\n\r\nx",
		POST_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
		POST_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\nxyz" };
	struct edge_options options = OPTIONS;
	struct fixture f;
	struct client *c;

	(void)state;
	options.per_id.bytes = 10003 * SPOOL_QUOTA_SHARE_PART;
	start_with(&f, options);
	for (size_t i = 0; i < COUNT(begun); i++) {
		c = dial_as(&f, "rua.example");
		say(c, str_of(begun[i]));
		turn(&f);
		hang_up(&c);
		turn(&f);
	}
	ask(&f, "rua.example", POST_HEAD "Content-Length: 5\r\n\r\nhello",
		"HTTP/1.1 201 ");
	finish(&f);
}

/* Bodies begun while there was room must not take more than there is. */
static void bodies_share_their_memory(void **state)
{
	struct edge_options options = OPTIONS;
	struct client *first, *second;
	char part[5000] = {};
	struct fixture f;

	(void)state;
	options.report_memory_bytes = 12000;
	start_with(&f, options);
	first = dial_as(&f, "rua.example");
	second = dial_as(&f, "rua.example");
	say(first, STR(POST_HEAD "Content-Length: 9000\r\n\r\n"));
	say(second, STR(POST_HEAD "Content-Length: 9000\r\n\r\n"));
	settle(&f);
	say(first, (struct str){ part, sizeof(part) });
	settle(&f);
	say(second, (struct str){ part, sizeof(part) });
	expect(second, "HTTP/1.1 503 ", 1);
	expect_closed(second);
	say(first, (struct str){ part, 4000 });
	expect(first, "HTTP/1.1 201 ", 1);
	hang_up(&first);
	hang_up(&second);
	finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_is_stored_before_201),
		cmocka_unit_test(reports_are_refused_before_the_body),
		cmocka_unit_test(quotas_answer_429),
		cmocka_unit_test(what_did_not_come_does_not_count),
		cmocka_unit_test(bodies_share_their_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
