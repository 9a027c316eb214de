/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source with a script: a key "now..." is answered at once, "keep..." at once
 * and for a while, "ask..." when the test says so, "down..." never. The reply
 * is "OK " and the key.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "io/fd.h"
#include "outbound/socketmap_server.h"
#include "tests/io/tmpdir.h"

#include "base/poison.h"

#define ASKED_MAX 256
#define TEXT_MAX 400000

struct asked {
	char key[64];
	answer_fn *fn;
	void *arg;
	bool over; /* answered or cancelled */
};

struct fixture {
	struct loop *loop;
	struct answers *answers;
	struct answer_source source;
	struct socketmap_server *server;
	struct sockaddr_in where;
	struct asked asked[ASKED_MAX];
	size_t n_asked, n_now, n_cancelled;
	char reply[TEXT_MAX]; /* of what is answered now */
	size_t pad;	      /* bytes behind each of those */
};

static struct answer answer_of(struct fixture *f, struct str key)
{
	int n = snprintf(f->reply, sizeof(f->reply), "OK %.*s", STR_ARG(key));

	memset(f->reply + n, '.', f->pad);
	return (struct answer){ .reply = { f->reply, (size_t)n + f->pad },
		.domain = key };
}

static enum status now(void *ctx, struct arena *a,
	const struct socketmap_request *r, struct answer *out)
{
	struct fixture *f = ctx;

	(void)a;
	if (str_starts(r->key, STR("ask")))
		return ST_AGAIN;
	if (str_starts(r->key, STR("down")))
		return ST_TEMP;
	f->n_now++;
	*out = answer_of(f, r->key);
	if (str_starts(r->key, STR("keep")))
		out->valid_ms = 60000;
	return ST_OK;
}

static void *ask(
	void *ctx, const struct socketmap_request *r, answer_fn *fn, void *arg)
{
	struct fixture *f = ctx;
	struct asked *q = &f->asked[f->n_asked++];

	(void)snprintf(q->key, sizeof(q->key), "%.*s", STR_ARG(r->key));
	q->fn = fn;
	q->arg = arg;
	return q;
}

static void cancel(void *ctx, void *handle)
{
	struct fixture *f = ctx;
	struct asked *q = handle;

	assert_false(q->over);
	q->over = true;
	f->n_cancelled++;
}

static void answer(struct fixture *f, size_t i, int64_t valid_ms)
{
	struct answer a = answer_of(f, str_of(f->asked[i].key));

	a.valid_ms = valid_ms;
	assert_false(f->asked[i].over);
	f->asked[i].over = true;
	f->asked[i].fn(f->asked[i].arg, &a);
}

static void start_with(
	struct fixture *f, unsigned connections, int64_t idle, int64_t slow)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(f->where);
	int small = 4096; /* so that a client that does not read is felt */

	memset(f, 0, sizeof(*f));
	f->loop = loop_new();
	f->answers = answers_new(1u << 20);
	f->source = (struct answer_source){ f, now, ask, cancel };
	f->where.sin_family = AF_INET;
	f->where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (void *)&f->where, n), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)),
		0);
	assert_int_equal(getsockname(fd, (void *)&f->where, &n), 0);
	f->server = socketmap_server_new(
		&(struct socketmap_server_options){ .loop = f->loop,
			.answers = f->answers,
			.source = &f->source,
			.max_connections = connections,
			.idle_ms = idle,
			.slow_ms = slow });
	socketmap_server_listen(f->server, fd);
}

static struct fixture *start(void)
{
	struct fixture *f = mem_must(sizeof(*f));

	start_with(f, 100, 60000, 60000);
	return f;
}

static void finish(struct fixture *f)
{
	socketmap_server_free(&f->server);
	answers_free(&f->answers);
	loop_free(&f->loop);
	mem_free(f);
}

static int dial(struct fixture *f)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int small = 4096, one = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_int_equal(connect(fd, (void *)&f->where, sizeof(f->where)), 0);
	return fd;
}

static void on_time(void *ctx)
{
	*(bool *)ctx = true;
}

/* What was sent on loopback is there: enough turns to use it all up. */
static void settle(struct fixture *f)
{
	for (int i = 0; i < 20; i++)
		loop_turn(f->loop, false);
}

static void turn_for(struct fixture *f, int64_t ms)
{
	struct loop_timer t = {};
	bool over = false;

	loop_timer_start(&t, f->loop, ms, on_time, &over);
	while (!over)
		loop_turn(f->loop, true);
}

static void say(struct fixture *f, int fd, const char *text)
{
	assert_int_equal(
		send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	settle(f);
}

/* One request for each key, in one write. */
static void request(struct fixture *f, int fd, const char *const *keys)
{
	char text[65536];
	struct sbuf b = sbuf_fixed(text, sizeof(text) - 1);

	for (; *keys != NULL; keys++)
		socketmap_request_write(
			&b, &(struct socketmap_request){
				    STR("sts"), str_of(*keys) });
	assert_true(sbuf_ok(&b));
	text[b.n] = '\0';
	say(f, fd, text);
}

/* What has come; "EOF" behind it when the server closed. */
static const char *heard(int fd)
{
	static char text[65536];
	size_t n = 0;
	ssize_t rc;

	while ((rc = recv(fd, text + n, sizeof(text) - 8 - n, MSG_DONTWAIT)) >
		0)
		n += (size_t)rc;
	text[n] = '\0';
	if (rc == 0)
		(void)snprintf(text + n, 4, "EOF");
	return text;
}

#define KEYS(...) ((const char *const[]){ __VA_ARGS__, NULL })

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

/* Replies that are not taken stop the reading, and are bounded. */
static void who_does_not_read_is_not_read(void **state)
{
	struct fixture *f = start();
	int fd = dial(f), other = dial(f);
	char *text = mem_must(1u << 20);
	struct sbuf b = sbuf_fixed(text, 1u << 20);
	size_t want = 0, got = 0, sent = 0, before;
	ssize_t rc;

	(void)state;
	f->pad = 50000;
	for (int i = 0; i < 20000; i++)
		sbuf_addz(&b, "8:sts now1,");
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	for (int i = 0; i < 50; i++) {
		rc = send(fd, text + sent, b.n - sent, MSG_NOSIGNAL);
		sent += rc > 0 ? (size_t)rc : 0;
		settle(f);
	}
	before = f->n_now;
	assert_true(before < 200);
	/* others do not feel it */
	f->pad = 0;
	request(f, other, KEYS("now2"));
	assert_string_equal(heard(other), "7:OK now2,");
	/* it goes on where it stood when the client reads */
	f->pad = 50000;
	want = (before + 20) * 50000;
	for (int i = 0; got < want && i < 100000; i++) {
		rc = recv(fd, text, 1u << 16, MSG_DONTWAIT);
		got += rc > 0 ? (size_t)rc : 0;
		loop_turn(f->loop, false);
	}
	assert_true(got >= want);
	mem_free(text);
	(void)close(fd);
	(void)close(other);
	finish(f);
}

/* Who asks much at once waits for others between his pieces. */
static void one_client_does_not_hold_up_another(void **state)
{
	struct fixture *f = start();
	int greedy = dial(f), modest = dial(f);
	char text[22000] = "";
	struct sbuf b = sbuf_fixed(text, sizeof(text));

	(void)state;
	settle(f);
	for (int i = 0; i < 1900; i++)
		sbuf_addz(&b, "8:sts now1,");
	assert_int_equal(send(greedy, text, b.n, MSG_NOSIGNAL), b.n);
	loop_turn(f->loop, true);
	assert_true(f->n_now <= 2 * SOCKETMAP_PER_TURN);
	assert_int_equal(send(modest, "8:sts now2,", 11, MSG_NOSIGNAL), 11);
	for (int i = 0; i < 3; i++)
		loop_turn(f->loop, true);
	assert_string_equal(heard(modest), "7:OK now2,");
	assert_true(f->n_now < 1000);
	settle(f);
	(void)heard(greedy);
	(void)close(greedy);
	(void)close(modest);
	finish(f);
}

static bool closed_in_time(struct fixture *f, int fd)
{
	for (int i = 0; i < 100; i++) {
		const char *text;

		turn_for(f, 20);
		text = heard(fd);
		if (strstr(text, "EOF") != NULL)
			return true;
	}
	return false;
}

static void deadlines(void **state)
{
	struct fixture *f = mem_must(sizeof(*f));
	struct socketmap_server_stats stats;
	int idle, slow, deaf, waiting;

	(void)state;
	start_with(f, 100, 200, 100);
	waiting = dial(f);
	request(f, waiting, KEYS("ask1"));
	deaf = dial(f);
	f->pad = 300000;
	request(f, deaf, KEYS("now1"));
	f->pad = 0;
	slow = dial(f);
	say(f, slow, "8:st");
	idle = dial(f);
	/* one more byte is not getting on */
	for (int i = 0; i < 3; i++)
		say(f, slow, (char[]){ "s n"[i], '\0' });
	assert_true(closed_in_time(f, slow));
	assert_true(closed_in_time(f, idle));
	turn_for(f, 300);
	socketmap_server_stats(f->server, &stats);
	assert_int_equal(stats.timed_out, 2); /* slow and deaf */
	assert_int_equal(stats.connections, 1);
	/* the source has its own deadline */
	answer(f, 0, 0);
	settle(f);
	assert_memory_equal(heard(waiting), "7:OK ask1,", 10);
	(void)close(idle);
	(void)close(slow);
	(void)close(deaf);
	(void)close(waiting);
	finish(f);
}

static void the_idle_make_room(void **state)
{
	struct fixture *f = mem_must(sizeof(*f));
	int fds[6];

	(void)state;
	start_with(f, 4, 60000, 60000);
	fds[0] = dial(f);
	request(f, fds[0], KEYS("ask1"));
	for (int i = 1; i < 6; i++) {
		fds[i] = dial(f);
		settle(f);
	}
	request(f, fds[5], KEYS("now1"));
	assert_string_equal(heard(fds[5]), "7:OK now1,");
	answer(f, 0, 0);
	settle(f);
	assert_string_equal(heard(fds[0]), "7:OK ask1,");
	for (int i = 0; i < 6; i++)
		(void)close(fds[i]);
	finish(f);
}

/* Half a request, or replies that nobody takes, keep no place for long. */
static void the_slow_make_room(void **state)
{
	struct fixture *f = mem_must(sizeof(*f));
	int idle, half[8], fd;

	(void)state;
	start_with(f, 4, 60000, 60000);
	idle = dial(f);
	settle(f);
	for (int i = 0; i < 8; i++) {
		half[i] = dial(f);
		settle(f);
		say(f, half[i], "8:st");
		settle(f);
	}
	fd = dial(f);
	request(f, fd, KEYS("now1"));
	assert_string_equal(heard(fd), "7:OK now1,");
	request(f, idle, KEYS("now2"));
	assert_string_equal(heard(idle), "7:OK now2,");
	for (int i = 0; i < 8; i++)
		(void)close(half[i]);
	(void)close(idle);
	(void)close(fd);
	finish(f);
}

static void the_deaf_make_room(void **state)
{
	struct fixture *f = mem_must(sizeof(*f));
	int deaf[4], fd;

	(void)state;
	start_with(f, 4, 60000, 60000);
	f->pad = 300000;
	for (int i = 0; i < 4; i++) {
		deaf[i] = dial(f);
		request(f, deaf[i], KEYS("now1"));
		settle(f);
	}
	f->pad = 0;
	fd = dial(f);
	request(f, fd, KEYS("now2"));
	assert_string_equal(heard(fd), "7:OK now2,");
	for (int i = 0; i < 4; i++)
		(void)close(deaf[i]);
	(void)close(fd);
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
		cmocka_unit_test(who_does_not_read_is_not_read),
		cmocka_unit_test(one_client_does_not_hold_up_another),
		cmocka_unit_test(deadlines),
		cmocka_unit_test(the_idle_make_room),
		cmocka_unit_test(the_slow_make_room),
		cmocka_unit_test(the_deaf_make_room),
		cmocka_unit_test(on_a_unix_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
