/* SPDX-License-Identifier: Apache-2.0 */
/* probe_client: a socket that somebody has open and nobody answers at. */
#include "tests/testing.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/probe_client.h"
#include "tests/io/tmpdir.h"

#include "base/poison.h"

struct fixture {
	char dir[32], path[64];
	int listener, stop[2];
};

static int setup(void **state)
{
	static struct fixture f;
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	f = (struct fixture){ .dir = "/tmp/moat-probe-XXXXXX" };
	tmpdir_make(f.dir);
	(void)snprintf(f.path, sizeof(f.path), "%s/sock", f.dir);
	memcpy(sun.sun_path, f.path, sizeof(f.path));
	f.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f.listener, (void *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(f.listener, 8), 0);
	assert_int_equal(pipe(f.stop), 0);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	(void)close(f->listener);
	(void)close(f->stop[0]);
	(void)close(f->stop[1]);
	tmpdir_remove(f->dir);
	return 0;
}

static void who_stops_waits_for_no_answer(void **state)
{
	struct fixture *f = *state;
	struct probe_client c = { .path = f->path, .stop_fd = f->stop[0] };
	struct arena *a = arena_must(0);
	struct probe_finding found;

	c.timeout_ms = 10;
	assert_false(probe_stopping(&c));
	probe_cname(&c, a, STR("a.example"), STR("b.example"), &found);
	assert_int_equal(found.result, PROBE_UNKNOWN);
	assert_str(found.detail,
		"the probe role does not answer: no answer in time");
	assert_int_equal(write(f->stop[1], "x", 1), 1);
	c.timeout_ms = 0;
	assert_true(probe_stopping(&c));
	probe_cname(&c, a, STR("a.example"), STR("b.example"), &found);
	assert_int_equal(found.result, PROBE_UNKNOWN);
	assert_str(found.detail, "the probe role does not answer: stopping");
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			who_stops_waits_for_no_answer, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
