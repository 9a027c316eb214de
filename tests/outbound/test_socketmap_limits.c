/* SPDX-License-Identifier: Apache-2.0 */
/* A client that is greedy, slow, idle or deaf harms itself alone. */
#include <fcntl.h>

#include "tests/outbound/socketmap_fixture.h"

#include "base/poison.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_does_not_read_is_not_read),
		cmocka_unit_test(one_client_does_not_hold_up_another),
		cmocka_unit_test(deadlines),
		cmocka_unit_test(the_idle_make_room),
		cmocka_unit_test(the_slow_make_room),
		cmocka_unit_test(the_deaf_make_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
