/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/testing.h"

#include "base/log.h"
#include "io/fd.h"
#include "io/http_server.h"

#include "base/poison.h"

struct fixture {
	struct loop *loop;
	struct gate *gate;
	struct http_server *server;
	struct sockaddr_in where;
	struct http_call *waiting; /* "/later" */
	int calls, cancelled;
	char answer[200000];
	size_t n;
};

static void on_cancel(void *ctx)
{
	struct fixture *f = ctx;

	f->cancelled++;
}

static void on_call(void *ctx, struct http_call *call)
{
	struct fixture *f = ctx;

	f->calls++;
	assert_int_equal(call->uid, -1); /* nobody knows, over TCP */
	if (str_eq(call->req.path, STR("/later"))) {
		f->waiting = call;
		call->cancel = on_cancel;
		call->cancel_ctx = f;
		return;
	}
	http_call_answer(call, 200, STR("text/plain"),
		call->body.p != NULL ? call->body : call->req.path);
}

static int setup(void **state)
{
	static struct fixture f;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(f.where);

	f = (struct fixture){ .loop = loop_new(), .gate = gate_new(8, 8) };
	f.where.sin_family = AF_INET;
	f.where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (void *)&f.where, n), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (void *)&f.where, &n), 0);
	f.server = http_server_new(f.loop, clock_system(), f.gate);
	http_server_listen(f.server, fd, on_call, &f);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	http_server_free(&f->server);
	loop_turn(f->loop, false);
	assert_int_equal(gate_count(f->gate), 0);
	gate_free(&f->gate);
	loop_free(&f->loop);
	return 0;
}

static int dial(struct fixture *f)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (void *)&f->where, sizeof(f->where)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

/* Turns until the server has closed; what it said is in f->answer. */
static void read_all(struct fixture *f, int fd)
{
	ssize_t n;

	f->n = 0;
	do {
		loop_turn(f->loop, false);
		n = recv(fd, f->answer + f->n, sizeof(f->answer) - 1 - f->n, 0);
		f->n += n > 0 ? (size_t)n : 0;
	} while (n != 0 && (n > 0 || errno == EAGAIN));
	f->answer[f->n] = '\0';
	(void)close(fd);
}

static void say(struct fixture *f, const char *text)
{
	int fd = dial(f);

	assert_int_equal(
		send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
	read_all(f, fd);
}

static void expect(const struct fixture *f, const char *start, const char *end)
{
	size_t n = strlen(end);

	if (strncmp(f->answer, start, strlen(start)) != 0 || f->n < n ||
		strcmp(f->answer + f->n - n, end) != 0)
		fail_msg("not %s ... %s: %s", start, end, f->answer);
}

static void answers(void **state)
{
	static const struct {
		const char *request, *start, *end;
	} rows[] = {
		{ "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\n",
			"\r\n\r\n/x" },
		{ "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\n",
			"\r\n\r\n" },
		{ "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody",
			"HTTP/1.1 200 OK\r\n", "\r\n\r\nbody" },
		{ "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
			"HTTP/1.1 200 OK\r\n", "\r\n\r\n" },
		{ "POST /x HTTP/1.1\r\nHost: a\r\n"
		  "Transfer-Encoding: chunked\r\n\r\n",
			"HTTP/1.1 411 ", "\n" },
		{ "POST /x HTTP/1.1\r\nHost: a\r\n"
		  "Content-Length: 65537\r\n\r\n",
			"HTTP/1.1 413 ", "\n" },
		{ "GET /x\n\n", "HTTP/1.1 400 ", "\n" },
		{ "GET /x HTTP/3.0\r\n\r\n", "HTTP/1.1 505 ", "\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		say(*state, rows[i].request);
		expect(*state, rows[i].start, rows[i].end);
	}
}

static void a_request_may_come_byte_by_byte(void **state)
{
	static const char text[] =
		"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
	struct fixture *f = *state;
	int fd = dial(f);

	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		assert_int_equal(f->calls, 0);
		assert_int_equal(send(fd, text + i, 1, 0), 1);
		for (int k = 0; k < 3; k++)
			loop_turn(f->loop, false);
	}
	read_all(f, fd);
	expect(f, "HTTP/1.1 200 OK\r\n", "\r\n\r\nbody");
}

static void a_head_without_end_is_refused(void **state)
{
	struct fixture *f = *state;
	char text[HTTP_HEAD_BYTES_MAX + 2];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	say(f, text);
	expect(f, "HTTP/1.1 4", "\n");
	assert_int_equal(f->calls, 0);
}

static void an_answer_may_come_later(void **state)
{
	static const char text[] = "GET /later HTTP/1.1\r\nHost: a\r\n\r\n";
	static char large[100000];
	struct fixture *f = *state;
	int fd = dial(f);

	memset(large, 'x', sizeof(large));
	assert_true(send(fd, text, sizeof(text) - 1, 0) > 0);
	while (f->waiting == NULL)
		loop_turn(f->loop, true);
	http_call_answer(f->waiting, 200, STR("text/plain"),
		(struct str){ large, sizeof(large) });
	read_all(f, fd);
	expect(f, "HTTP/1.1 200 OK\r\n", "xxxxxxxx");
	assert_non_null(strstr(f->answer, "Content-Length: 100000\r\n"));
	assert_int_equal(f->cancelled, 0);
}

static void freeing_the_server_cancels(void **state)
{
	static const char text[] = "GET /later HTTP/1.1\r\nHost: a\r\n\r\n";
	struct fixture *f = *state;
	int fd = dial(f);

	assert_true(send(fd, text, sizeof(text) - 1, 0) > 0);
	while (f->waiting == NULL)
		loop_turn(f->loop, true);
	http_server_free(&f->server);
	assert_int_equal(f->cancelled, 1);
	read_all(f, fd);
	assert_int_equal(f->n, 0);
}

static void who_hangs_up_is_forgotten(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	assert_true(send(fd, "GET", 3, 0) > 0);
	while (gate_count(f->gate) == 0)
		loop_turn(f->loop, true);
	(void)close(fd);
	while (gate_count(f->gate) != 0)
		loop_turn(f->loop, true);
	assert_int_equal(f->calls, 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers),
		TEST(a_request_may_come_byte_by_byte),
		TEST(a_head_without_end_is_refused),
		TEST(an_answer_may_come_later),
		TEST(freeing_the_server_cancels),
		TEST(who_hangs_up_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
