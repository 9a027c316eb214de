/* SPDX-License-Identifier: Apache-2.0 */
/* Every watcher is stopped and freed inside every kind of callback. */
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/testing.h"

#include "base/mem.h"
#include "io/fd.h"
#include "io/loop.h"

#include "base/poison.h"

/* An object with one watcher of each kind, all ready in the same turn. */
struct thing {
	struct loop *loop;
	int fd[2];
	struct loop_io io;
	struct loop_timer timer;
	struct loop_task task;
	struct thing *victim; /* stopped and freed by any callback of this */
	int *calls;
};

static struct thing *last_called;

static void thing_release(void *ctx)
{
	mem_free(ctx);
}

static void thing_free(struct thing **t)
{
	if (*t == NULL)
		return;
	loop_io_stop(&(*t)->io);
	loop_timer_stop(&(*t)->timer);
	loop_task_stop(&(*t)->task);
	fd_close(&(*t)->fd[0]);
	fd_close(&(*t)->fd[1]);
	loop_defer((*t)->loop, thing_release, *t);
	*t = NULL;
}

static void on_any(void *ctx)
{
	struct thing *t = ctx;
	struct thing *victim = t->victim;

	++*t->calls;
	last_called = t;
	t->victim = NULL;
	thing_free(&victim);
}

static void on_ready(void *ctx, unsigned ready)
{
	struct thing *t = ctx;

	assert_int_equal(ready, LOOP_READ);
	loop_io_change(&t->io, 0);
	on_any(ctx);
}

static struct thing *thing_new(struct loop *l, int *calls)
{
	struct thing *t = mem_must(sizeof(*t));

	t->loop = l;
	t->calls = calls;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, t->fd), 0);
	assert_int_equal(write(t->fd[1], "x", 1), 1);
	return t;
}

enum kind { IO, TIMER, TASK, KINDS };

static void thing_start(struct thing *t, enum kind kind)
{
	if (kind == IO)
		loop_io_start(
			&t->io, t->loop, t->fd[0], LOOP_READ, on_ready, t);
	else if (kind == TIMER)
		loop_timer_start(&t->timer, t->loop, 0, on_any, t);
	else
		loop_task_start(&t->task, t->loop, on_any, t);
}

/* Two things ready at once; whichever is called first frees the other. */
static void freeing_another_in_each_callback(void **state)
{
	(void)state;
	for (int a = 0; a < KINDS; a++) {
		for (int b = 0; b < KINDS; b++) {
			struct loop *l = loop_new();
			int calls = 0;
			struct thing *x = thing_new(l, &calls);
			struct thing *y = thing_new(l, &calls);

			x->victim = y;
			y->victim = x;
			thing_start(x, (enum kind)a);
			thing_start(y, (enum kind)b);
			loop_turn(l, true);
			loop_turn(l, false);
			assert_int_equal(calls, 1);
			thing_free(&last_called);
			loop_free(&l);
		}
	}
}

static void freeing_itself_in_each_callback(void **state)
{
	(void)state;
	for (int a = 0; a < KINDS; a++) {
		struct loop *l = loop_new();
		int calls = 0;
		struct thing *x = thing_new(l, &calls);

		x->victim = x;
		thing_start(x, (enum kind)a);
		loop_turn(l, true);
		assert_int_equal(calls, 1);
		loop_free(&l);
	}
}

static void nothing_comes_before_start_returns(void **state)
{
	struct loop *l = loop_new();
	int calls = 0;
	struct thing *x = thing_new(l, &calls);

	(void)state;
	for (int a = 0; a < KINDS; a++)
		thing_start(x, (enum kind)a);
	assert_int_equal(calls, 0);
	loop_turn(l, true);
	loop_turn(l, false);
	assert_int_equal(calls, KINDS);
	thing_free(&x);
	loop_free(&l);
}

static void restart(void *ctx)
{
	struct thing *t = ctx;

	++*t->calls;
	loop_task_start(&t->task, t->loop, restart, t);
}

static void a_task_that_starts_itself_waits_for_the_next_turn(void **state)
{
	struct loop *l = loop_new();
	int calls = 0;
	struct thing *x = thing_new(l, &calls);

	(void)state;
	loop_task_start(&x->task, l, restart, x);
	loop_turn(l, false);
	assert_int_equal(calls, 1);
	loop_turn(l, true); /* must not wait: a task is pending */
	assert_int_equal(calls, 2);
	thing_free(&x);
	loop_free(&l);
}

static void stop_loop(void *ctx)
{
	loop_stop(ctx);
}

static void signals_and_timers_end_the_run(void **state)
{
	struct loop *l = loop_new();
	struct loop_signal s = {};
	struct loop_timer t = {};
	struct mono begun = loop_now(l);

	(void)state;
	loop_signal_start(&s, l, SIGUSR1, stop_loop, l);
	assert_int_equal(raise(SIGUSR1), 0);
	loop_run(l);
	loop_timer_start(&t, l, 20, stop_loop, l);
	assert_true(loop_timer_running(&t));
	loop_run(l);
	assert_false(loop_timer_running(&t));
	assert_true(loop_now(l).ms - begun.ms >= 19);
	loop_signal_stop(&s);
	loop_signal_stop(&s);
	loop_free(&l);
	loop_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(freeing_another_in_each_callback),
		cmocka_unit_test(freeing_itself_in_each_callback),
		cmocka_unit_test(nothing_comes_before_start_returns),
		cmocka_unit_test(
			a_task_that_starts_itself_waits_for_the_next_turn),
		cmocka_unit_test(signals_and_timers_end_the_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
