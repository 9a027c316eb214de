/* SPDX-License-Identifier: Apache-2.0 */
/* store_open: all roles open the database at the same instant, and the first
 * of them makes it. */
#include "tests/testing.h"

#include <sys/wait.h>
#include <unistd.h>

#include "store/store.h"
#include "tests/io/tmpdir.h"

#include "base/poison.h"

#define ROUNDS 20
#define PROCESSES 8

/* Opens once the other end of go is closed. Exit 0: it could. */
static void open_at(const char *path, const int go[2])
{
	struct store *s = NULL;
	struct err e = {};
	char byte;

	(void)close(go[1]);
	if (read(go[0], &byte, 1) != 0)
		_exit(1);
	if (store_open(path, &s, &e) != ST_OK) {
		print_error("%s\n", e.text);
		_exit(2);
	}
	store_close(&s);
	_exit(0);
}

static void many_open_a_new_one(void **state)
{
	char dir[] = "/tmp/moat-open-XXXXXX";

	(void)state;
	tmpdir_make(dir);
	for (int round = 0; round < ROUNDS; round++) {
		int go[2], status, failed = 0;
		char path[64];

		(void)snprintf(path, sizeof(path), "%s/%d.db", dir, round);
		assert_int_equal(pipe(go), 0);
		for (int i = 0; i < PROCESSES; i++) {
			pid_t pid = fork();

			assert_true(pid >= 0);
			if (pid == 0)
				open_at(path, go);
		}
		(void)close(go[0]);
		(void)close(go[1]);
		for (int i = 0; i < PROCESSES; i++) {
			assert_true(wait(&status) > 0);
			failed += status != 0;
		}
		assert_int_equal(failed, 0);
	}
	tmpdir_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_open_a_new_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
