/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/testing.h"

#include "base/log.h"
#include "io/fd.h"
#include "io/listener.h"

#include "base/poison.h"

#define CLIENTS_MAX 8

struct fixture {
	struct loop *loop;
	struct gate *gate;
	struct listener *listener;
	struct sockaddr_in where;
	int taken[CLIENTS_MAX], clients[CLIENTS_MAX];
	struct addr peer;
	int n_taken, n_clients;
	bool free_in_callback;
};

static void on_taken(void *ctx, int fd, const struct addr *peer)
{
	struct fixture *f = ctx;

	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	f->taken[f->n_taken++] = fd;
	f->peer = *peer;
	if (f->free_in_callback)
		listener_free(&f->listener);
}

static void start(struct fixture *f, unsigned max, unsigned per_addr)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(f->where);

	*f = (struct fixture){ .loop = loop_new(),
		.gate = gate_new(max, per_addr) };
	f->where.sin_family = AF_INET;
	f->where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (void *)&f->where, n), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (void *)&f->where, &n), 0);
	f->listener = listener_new(f->loop, fd, f->gate, on_taken, f);
}

static void finish(struct fixture *f)
{
	listener_free(&f->listener);
	for (int i = 0; i < f->n_taken; i++)
		fd_close(&f->taken[i]);
	for (int i = 0; i < f->n_clients; i++)
		fd_close(&f->clients[i]);
	gate_free(&f->gate);
	loop_free(&f->loop);
}

static void dial(struct fixture *f)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (void *)&f->where, sizeof(f->where)), 0);
	f->clients[f->n_clients++] = fd;
}

static void end_wait(void *ctx)
{
	*(bool *)ctx = true;
}

/* Runs the loop for a while. */
static void turn_for(struct fixture *f, int64_t ms)
{
	struct loop_timer t = {};
	bool over = false;

	loop_timer_start(&t, f->loop, ms, end_wait, &over);
	while (!over)
		loop_turn(f->loop, true);
}

static void caps_hold_per_address_and_overall(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 100, 2);
	for (int i = 0; i < 3; i++)
		dial(&f);
	turn_for(&f, 20);
	assert_int_equal(f.n_taken, 2); /* the third was closed */
	gate_leave(f.gate, &f.peer);
	dial(&f);
	turn_for(&f, 20);
	assert_int_equal(f.n_taken, 3);
	finish(&f);

	start(&f, 2, 100);
	for (int i = 0; i < 3; i++)
		dial(&f);
	turn_for(&f, 20);
	assert_int_equal(f.n_taken, 2); /* the third waits in the kernel */
	gate_leave(f.gate, &f.peer);
	turn_for(&f, LISTENER_BACKOFF_MS + 50);
	assert_int_equal(f.n_taken, 3);
	assert_int_equal(gate_count(f.gate), 2);
	finish(&f);
}

static int waits_logged;

static void count_waits(void *ctx, struct str line)
{
	(void)ctx;
	waits_logged += str_index(line, '=') >= 0;
}

static void out_of_descriptors_it_waits_without_spinning(void **state)
{
	struct rlimit old, none;
	struct fixture f;
	int turns = 0;
	bool over = false;
	struct loop_timer t = {};

	(void)state;
	start(&f, 100, 100);
	dial(&f);
	log_set_sink(count_waits, NULL);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = (struct rlimit){ 3, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	loop_timer_start(&t, f.loop, 250, end_wait, &over);
	while (!over) {
		loop_turn(f.loop, true);
		turns++;
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	log_set_sink(NULL, NULL);
	assert_int_equal(f.n_taken, 0);
	assert_true(turns < 10);
	assert_int_equal(waits_logged, 1);
	turn_for(&f, LISTENER_BACKOFF_MS + 50);
	assert_int_equal(f.n_taken, 1);
	finish(&f);
}

static void it_can_be_freed_in_its_callback(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 100, 100);
	f.free_in_callback = true;
	dial(&f);
	dial(&f);
	turn_for(&f, 20);
	assert_int_equal(f.n_taken, 1);
	finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(caps_hold_per_address_and_overall),
		cmocka_unit_test(out_of_descriptors_it_waits_without_spinning),
		cmocka_unit_test(it_can_be_freed_in_its_callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
