/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked is answered, in order, once, and only if it is a request. */
#include <sys/un.h>

#include "base/log.h"
#include "tests/io/tmpdir.h"
#include "tests/outbound/socketmap_fixture.h"

#include "base/poison.h"

static void replies_keep_their_order(void **state)
{
	struct fixture *f = start();
	int fd = dial(f);

	(void)state;
	request(f, fd, KEYS("now1", "now2"));
	assert_string_equal(heard(fd), "7:OK now1,7:OK now2,");
	request(f, fd, KEYS("ask1", "now3", "ask2", "down", "keep1", "keep1"));
	assert_string_equal(heard(fd), "");
	assert_int_equal(f->n_asked, 2);
	answer(f, 1, 0);
	settle(f);
	assert_string_equal(heard(fd), "");
	answer(f, 0, 0);
	settle(f);
	assert_string_equal(heard(fd),
		"7:OK ask1,7:OK now3,7:OK ask2,18:TEMP no answer now,"
		"8:OK keep1,8:OK keep1,");
	/* and then on */
	request(f, fd, KEYS("now4"));
	assert_string_equal(heard(fd), "7:OK now4,");
	(void)close(fd);
	finish(f);
}

static void what_is_kept_is_not_asked_again(void **state)
{
	struct socketmap_server_stats stats;
	struct fixture *f = start();
	int fd = dial(f);

	(void)state;
	request(f, fd, KEYS("keep1", "keep1", "now1", "now1"));
	assert_int_equal(f->n_now, 3);
	request(f, fd, KEYS("ask1"));
	answer(f, 0, 60000);
	settle(f);
	request(f, fd, KEYS("ask1", "keep1"));
	assert_int_equal(f->n_asked, 1);
	answers_drop(f->answers, STR("ask1"));
	request(f, fd, KEYS("ask1"));
	assert_int_equal(f->n_asked, 2);
	socketmap_server_stats(f->server, &stats);
	assert_int_equal(stats.requests, 8);
	assert_int_equal(stats.hot, 3);
	assert_int_equal(stats.waiting, 1);
	assert_int_equal(stats.connections, 1);
	(void)close(fd);
	finish(f);
}

static void byte_by_byte(void **state)
{
	static const char text[] = "8:sts now1,8:sts now2,";
	struct fixture *f = start();
	int fd = dial(f);

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(text); i++)
		say(f, fd, (char[]){ text[i], '\0' });
	assert_string_equal(heard(fd), "7:OK now1,7:OK now2,");
	(void)close(fd);
	finish(f);
}

static void what_is_no_request(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "GET /metrics HTTP/1.1\r\n", "EOF" },
		{ "8:sts now1;", "EOF" },
		{ "8:sts now1,10001:", "7:OK now1,EOF" },
		{ "08:sts now1,", "EOF" },
		/* a netstring but no request */
		{ "4:purg,8:sts now1,",
			"43:PERM a request is a name, a space and a key,"
			"7:OK now1," },
		{ "0:,", "43:PERM a request is a name, a space and a key," },
	};
	struct socketmap_server_stats stats;
	struct fixture *f = start();

	(void)state;
	log_set_level(LOG_ERROR);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int fd = dial(f);

		say(f, fd, rows[i].in);
		assert_string_equal(heard(fd), rows[i].out);
		(void)close(fd);
	}
	log_set_level(LOG_INFO);
	socketmap_server_stats(f->server, &stats);
	assert_int_equal(stats.malformed, 4);
	finish(f);
}

/* A request of the largest size that Postfix sends. */
static void the_longest_request(void **state)
{
	struct fixture *f = start();
	char *text = mem_must(10010);
	int fd = dial(f);

	(void)state;
	(void)snprintf(text, 10010, "10000:sts now");
	memset(text + 13, 'x', 10000 - 7);
	text[10006] = ',';
	f->pad = 0;
	say(f, fd, text);
	assert_memory_equal(heard(fd), "9999:OK nowxxx", 14);
	mem_free(text);
	(void)close(fd);
	finish(f);
}

static void more_than_may_wait(void **state)
{
	struct fixture *f = start();
	int fd = dial(f);
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 2 * SOCKETMAP_WAITING_MAX; i++)
		request(f, fd, KEYS("ask1"));
	assert_int_equal(f->n_asked, SOCKETMAP_WAITING_MAX);
	for (size_t i = 0; i < 2 * SOCKETMAP_WAITING_MAX; i++) {
		answer(f, i, 0);
		settle(f);
		for (const char *p = heard(fd); *p != '\0'; p += 10, n++)
			assert_memory_equal(p, "7:OK ask1,", 10);
	}
	assert_int_equal(f->n_asked, 2 * SOCKETMAP_WAITING_MAX);
	assert_int_equal(n, 2 * SOCKETMAP_WAITING_MAX);
	(void)close(fd);
	finish(f);
}

/* Who says all at once and closes his side gets his answers. */
static void half_closed(void **state)
{
	struct fixture *f = start();
	int fd = dial(f);

	(void)state;
	request(f, fd, KEYS("now1", "ask1"));
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	settle(f);
	assert_string_equal(heard(fd), "7:OK now1,");
	answer(f, 0, 0);
	settle(f);
	assert_string_equal(heard(fd), "7:OK ask1,EOF");
	(void)close(fd);
	finish(f);
}

static void gone_before_the_answer(void **state)
{
	struct socketmap_server_stats stats;
	struct fixture *f = start();
	int one = dial(f), other = dial(f);

	(void)state;
	request(f, one, KEYS("ask1", "ask2"));
	request(f, other, KEYS("ask3"));
	(void)close(one);
	settle(f);
	answer(f, 0, 0);
	answer(f, 1, 0);
	settle(f);
	socketmap_server_stats(f->server, &stats);
	assert_int_equal(stats.connections, 1);
	socketmap_server_free(&f->server);
	assert_int_equal(f->n_cancelled, 1);
	(void)close(other);
	finish(f);
}

static void on_a_unix_socket(void **state)
{
	struct fixture *f = start();
	char folder[] = "/tmp/moat-socketmap-XXXXXX";
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one, other;

	(void)state;
	tmpdir_make(folder);
	(void)snprintf(where.sun_path, sizeof(where.sun_path), "%s/s", folder);
	assert_int_equal(bind(fd, (void *)&where, sizeof(where)), 0);
	assert_int_equal(listen(fd, 64), 0);
	socketmap_server_listen(f->server, fd);
	one = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	other = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(one, (void *)&where, sizeof(where)), 0);
	assert_int_equal(connect(other, (void *)&where, sizeof(where)), 0);
	request(f, one, KEYS("now1"));
	request(f, other, KEYS("now2"));
	assert_string_equal(heard(one), "7:OK now1,");
	assert_string_equal(heard(other), "7:OK now2,");
	(void)close(one);
	(void)close(other);
	finish(f);
	tmpdir_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_keep_their_order),
		cmocka_unit_test(what_is_kept_is_not_asked_again),
		cmocka_unit_test(byte_by_byte),
		cmocka_unit_test(what_is_no_request),
		cmocka_unit_test(the_longest_request),
		cmocka_unit_test(more_than_may_wait),
		cmocka_unit_test(half_closed),
		cmocka_unit_test(gone_before_the_answer),
		cmocka_unit_test(on_a_unix_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
