/* SPDX-License-Identifier: Apache-2.0 */
/* The change feed: order under two writers, crashes, roll-backs, versions. */
#include <signal.h>
#include <sys/wait.h>

#include "engines.h"

#include "base/poison.h"

static void rollback_leaves_nothing(void **state)
{
	struct store_domain d = domain_of("default", "example.com", "aaaa");
	struct engine *t = *state;
	int64_t first, last, n;

	OK(store_begin(t->s, &t->e));
	OK(store_domain_add(t->s, &d, &t->e));
	OK(store_change_range(t->s, &first, &last, &t->e));
	assert_int_equal(last, 1);
	store_rollback(t->s);
	OK(store_change_range(t->s, &first, &last, &t->e));
	assert_int_equal(last, 0);
	OK(store_domain_count(t->s, &n, &t->e));
	assert_int_equal(n, 0);
	/* The label was not given either: it can be used. */
	OK(store_domain_add(t->s, &d, &t->e));
}

static void failure_inside_one_operation(void **state)
{
	struct store_domain d = domain_of("default", "example.com", "aaaa");
	struct store_domain same = domain_of("default", "example.org", "aaaa");
	struct engine *t = *state;
	int64_t first, last, n;

	OK(store_domain_add(t->s, &d, &t->e));
	assert_int_equal(store_domain_add(t->s, &same, &t->e), ST_INVALID);
	assert_false(store_in_transaction(t->s));
	OK(store_domain_count(t->s, &n, &t->e));
	assert_int_equal(n, 1);
	OK(store_change_range(t->s, &first, &last, &t->e));
	assert_int_equal(last, 1);
}

/* A process killed between its writes and its commit. */
static void killed_writer(void **state)
{
	struct engine *t = *state;
	int64_t first, last;
	int status;
	pid_t pid;

	store_close(&t->s);
	pid = fork();
	if (pid == 0) {
		struct store *s;

		if (store_open(t->target, &s, NULL) != ST_OK ||
			store_change_add(s, STORE_CHANGE_DOMAIN, STR("default"),
				STR("a"), NULL, NULL) != ST_OK ||
			store_begin(s, NULL) != ST_OK ||
			store_change_add(s, STORE_CHANGE_DOMAIN, STR("default"),
				STR("b"), NULL, NULL) != ST_OK)
			_exit(1);
		(void)kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	OK(store_open(t->target, &t->s, &t->e));
	OK(store_change_range(t->s, &first, &last, &t->e));
	assert_int_equal(last, 1);
	/* Its lock died with it, and the number is used by the next. */
	OK(store_change_add(t->s, STORE_CHANGE_DOMAIN, STR("default"), STR("c"),
		&last, &t->e));
	assert_int_equal(last, 2);
}

#define PER_WRITER 150

static void write_many(const char *target)
{
	struct store *s;

	if (store_open(target, &s, NULL) != ST_OK)
		_exit(1);
	for (int i = 0; i < PER_WRITER; i++) {
		if (store_begin(s, NULL) != ST_OK ||
			store_change_add(s, STORE_CHANGE_CERT, STR("default"),
				STR("h"), NULL, NULL) != ST_OK)
			_exit(1);
		if (i % 7 == 0)
			store_rollback(s);
		else if (store_commit(s, NULL) != ST_OK)
			_exit(1);
	}
	store_close(&s);
	_exit(0);
}

/* A reader that has seen n never meets a smaller number later. */
static void two_writers(void **state)
{
	struct engine *t = *state;
	int64_t seen = 0;
	pid_t pids[2];
	int left = 2;

	store_close(&t->s);
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			write_many(t->target);
	}
	OK(store_open(t->target, &t->s, &t->e));
	while (left > 0 || seen >= 0) {
		struct store_change *rows;
		size_t n;
		int status;
		bool last_look = left == 0;

		OK(store_change_list(t->s, t->a, seen, 1000, &rows, &n, &t->e));
		for (size_t i = 0; i < n; i++)
			assert_int_equal(rows[i].seq, ++seen);
		arena_reset(t->a);
		if (last_look)
			break;
		while (left > 0 && waitpid(-1, &status, WNOHANG) > 0) {
			assert_true(WIFEXITED(status));
			assert_int_equal(WEXITSTATUS(status), 0);
			left--;
		}
	}
	assert_int_equal(seen, 2 * (PER_WRITER - (PER_WRITER + 6) / 7));
}

static void pruned_feed(void **state)
{
	struct engine *t = *state;
	struct store_change *rows;
	int64_t first, last;
	size_t n;

	for (int i = 0; i < 5; i++)
		OK(store_change_add(t->s, STORE_CHANGE_REBUILD, STR("system"),
			STR(""), NULL, &t->e));
	OK(store_change_prune(t->s, 3, INT64_MAX, &t->e));
	OK(store_change_range(t->s, &first, &last, &t->e));
	assert_int_equal(first, 4);
	assert_int_equal(last, 5);
	OK(store_change_list(t->s, t->a, 4, 10, &rows, &n, &t->e));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].kind, STORE_CHANGE_REBUILD);
}

static void newer_schema_is_refused(void **state)
{
	struct engine *t = *state;
	char command[256];

	store_close(&t->s);
	(void)snprintf(command, sizeof(command),
		"sqlite3 %s 'INSERT INTO schema_version VALUES (999)'",
		t->target);
	if (system(command) != 0) /* the sqlite3 program is not there */
		skip();
	assert_int_equal(store_open(t->target, &t->s, &t->e), ST_PERM);
	assert_non_null(strstr(t->e.text, "newer moat"));
}

static void damaged_file(void **state)
{
	struct engine *t = *state;
	FILE *f;

	store_close(&t->s);
	f = fopen(t->target, "w");
	assert_non_null(f);
	(void)fputs("this is not a database, whatever its name says", f);
	(void)fclose(f);
	assert_int_equal(store_open(t->target, &t->s, &t->e), ST_PERM);
}

static void unknown_engine(void **state)
{
	struct store *s = NULL;
	struct engine *t = *state;

	assert_int_equal(
		store_open("postgresql://localhost/moat", &s, &t->e), ST_PERM);
	assert_null(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rollback_leaves_nothing),
		cmocka_unit_test(failure_inside_one_operation),
		cmocka_unit_test(killed_writer),
		cmocka_unit_test(two_writers),
		cmocka_unit_test(pruned_feed),
		cmocka_unit_test(newer_schema_is_refused),
		cmocka_unit_test(damaged_file),
		cmocka_unit_test(unknown_engine),
	};

	return RUN_ON_ENGINES("feed", tests);
}
