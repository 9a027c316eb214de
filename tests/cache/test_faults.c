/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must not lose a policy: kill -9 at any instant, a full disk, a damaged
 * or cut file, a second process, another version's file.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/wire.h"
#include "fixture.h"

#include "base/poison.h"

#define ROUNDS_SHORT 8
#define ROUNDS_FULL 200

static void name_of(char *name, size_t n, unsigned i)
{
	(void)snprintf(name, n, "d%u.example", i);
}

/* ---- kill -9 ---- */

/*
 * Writes policies for ever, and each number to fd once it is said to be
 * durable. Of each domain there are several versions, so that half of one
 * would show.
 */
static void write_for_ever(const struct fixture *from, unsigned first, int out)
{
	struct fixture copy = *from, *t = &copy;
	policy_change durable, change[64];
	unsigned next = first, told = first;

	t->opt.no_sync = false;
	if (policy_cache_open(t->path, &t->opt, &t->c, &t->e) != ST_OK)
		_exit(1);
	policy_cache_start(t->c, &t->fd);
	for (;;) {
		struct pollfd p = { .fd = t->fd, .events = POLLIN };

		while (next - told < 64) {
			char name[32];
			struct policy_entry in;

			name_of(name, sizeof(name), next);
			in = entry_of(name);
			in.policy.max_age_s = next + 1;
			if (policy_cache_put(t->c, &in, STR("example"), NOW,
				    &change[next % 64], &t->e) != ST_OK)
				_exit(2);
			next++;
		}
		(void)poll(&p, 1, -1);
		if (policy_cache_settle(t->c, &durable, &t->e) != ST_OK)
			_exit(3);
		for (; told < next && change[told % 64] <= durable; told++)
			if (write(out, &told, sizeof(told)) < 0)
				_exit(4);
	}
}

static unsigned kill_one(struct fixture *t, unsigned first)
{
	unsigned told = first, n = 0;
	int fd[2], status;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		(void)close(fd[0]);
		write_for_ever(t, first, fd[1]);
	}
	(void)close(fd[1]);
	/* Between nothing done and some hundred commits. */
	while (n < (unsigned)rand() % 400 &&
		read(fd[0], &told, sizeof(told)) == sizeof(told))
		n++;
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	/* What it had told before it died counts too. */
	while (read(fd[0], &told, sizeof(told)) == sizeof(told))
		n++;
	(void)close(fd[0]);
	return n == 0 ? first : told + 1;
}

static void kill_loses_nothing(void **state)
{
	bool full = getenv("MOAT_FULL") != NULL;
	struct fixture *t = *state;
	struct policy_cache_stats stats;
	unsigned end = 0;

	t->opt.max_per_group = 10000000;
	for (int round = 0; round < (full ? ROUNDS_FULL : ROUNDS_SHORT);
		round++) {
		unsigned first = end;

		policy_cache_close(&t->c);
		end = kill_one(t, first);
		OK(policy_cache_open(t->path, &t->opt, &t->c, &t->e));
		policy_cache_stats(t->c, &stats);
		assert_false(stats.was_damaged);
		assert_true(stats.entries >= end);
		for (unsigned i = first; i < end; i++) {
			struct policy_entry got;
			char name[32];

			name_of(name, sizeof(name), i);
			OK(policy_cache_get(t->c, t->a, str_of(name), &got));
			assert_int_equal(got.policy.max_age_s, i + 1);
		}
		arena_reset(t->a);
	}
	assert_true(end > 0);
}

/* ---- full ---- */

/* A commit that finds the file full is tried again; room comes in steps. */
static void settle_at_last(struct fixture *t)
{
	policy_change durable;
	enum status st = ST_LIMIT;

	for (int i = 0; i < 100 && st == ST_LIMIT; i++) {
		policy_cache_flush(t->c);
		st = policy_cache_settle(t->c, &durable, &t->e);
	}
	assert_int_equal(st, ST_OK);
}

/* New ones are refused with a sentence; old ones stay, and can be removed. */
static void full_file(void **state)
{
	struct fixture *t = *state;
	policy_change durable;
	enum status st = ST_OK;
	char name[32];
	unsigned i;

	t->opt.max_bytes = 1 << 20;
	fixture_reopen(t);
	for (i = 0; i < 20000 && st == ST_OK; i++) {
		struct policy_entry in;

		name_of(name, sizeof(name), i);
		in = entry_of(name);
		st = policy_cache_put(
			t->c, &in, (struct str){}, NOW, NULL, &t->e);
		if (i % 100 == 99)
			policy_cache_flush(t->c);
		(void)policy_cache_settle(t->c, &durable, NULL);
	}
	assert_int_equal(st, ST_LIMIT);
	assert_non_null(strstr(t->e.text, "policy.cache_max_size"));
	/* What is there can be renewed. */
	put(t, "d7.example");
	policy_cache_flush(t->c);
	/* What was taken is there, on disk or still waiting for it. */
	for (unsigned k = 0; k + 1 < i; k++) {
		name_of(name, sizeof(name), k);
		assert_true(has(t, name));
	}
	for (unsigned k = 0; k < 1500; k++) {
		name_of(name, sizeof(name), k);
		OK(policy_cache_del(t->c, str_of(name), NULL, &t->e));
	}
	settle_at_last(t);
	put(t, "one.example");
	settle_at_last(t);
	put(t, "again.example");
	fixture_reopen(t);
	assert_true(has(t, "again.example"));
	assert_false(has(t, "d0.example"));
	assert_true(has(t, "d1500.example"));
}

/* A disk that fails: what was put is in force, and written when it can be. */
static void failing_disk(void **state)
{
	struct rlimit before, none = { 0, 0 };
	struct policy_cache_stats stats;
	struct fixture *t = *state;
	policy_change first, durable;
	struct policy_entry b;

	put(t, "a.example");
	settle(t);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	b = entry_of("b.example");
	OK(policy_cache_put(t->c, &b, (struct str){}, NOW, &first, &t->e));
	/* Takes the place of the first, which is not on disk for that. */
	OK(policy_cache_put(t->c, &b, (struct str){}, NOW, NULL, &t->e));
	policy_cache_flush(t->c);
	assert_int_equal(policy_cache_settle(t->c, &durable, &t->e), ST_TEMP);
	assert_true(durable < first);
	assert_true(has(t, "a.example"));
	assert_true(has(t, "b.example"));
	policy_cache_stats(t->c, &stats);
	/* Both where the disk was at the first when the second came. */
	assert_in_range(stats.waiting, 1, 2);
	assert_true(stats.commit_failures > 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	settle(t);
	policy_cache_stats(t->c, &stats);
	assert_int_equal(stats.waiting, 0);
	fixture_reopen(t);
	assert_true(has(t, "b.example"));
}

/* ---- damage ---- */

static off_t size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void fill(struct fixture *t, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char name[32];

		name_of(name, sizeof(name), i);
		put(t, name);
	}
	policy_cache_close(&t->c);
}

/* Opens what was damaged and gives back how many policies are left. */
static uint64_t left_after(struct fixture *t, unsigned n)
{
	struct policy_cache_stats stats;
	unsigned there = 0;

	OK(policy_cache_open(t->path, &t->opt, &t->c, &t->e));
	policy_cache_start(t->c, &t->fd);
	policy_cache_stats(t->c, &stats);
	assert_true(stats.was_damaged);
	assert_non_null(strstr(stats.moved_to, "policy.mdb.bad-1"));
	assert_int_equal(access(stats.moved_to, F_OK), 0);
	for (unsigned i = 0; i < n; i++) {
		char name[32];

		name_of(name, sizeof(name), i);
		there += has(t, name);
	}
	assert_int_equal(stats.entries, there);
	put(t, "new.example");
	fixture_reopen(t);
	policy_cache_stats(t->c, &stats);
	assert_false(stats.was_damaged);
	assert_true(has(t, "new.example"));
	return there;
}

/* One changed bit costs one policy, and is told. */
static void one_bit(void **state)
{
	struct fixture *t = *state;
	char page[4096];
	char *at = NULL;
	off_t where;
	int fd;

	fill(t, 500);
	fd = open(t->path, O_RDWR);
	assert_true(fd >= 0);
	/* Of the page with the last value there is no older copy. */
	for (where = size_of(t->path) - 4096; at == NULL; where -= 4096) {
		assert_true(where >= 0);
		assert_int_equal(pread(fd, page, 4096, where), 4096);
		at = memmem(page, 4096, "d499.example", 12);
		if (at == NULL)
			continue;
		at[14] ^= 1;
		assert_int_equal(pwrite(fd, page, 4096, where), 4096);
	}
	(void)close(fd);
	assert_true(left_after(t, 500) >= 499);
}

static void garbage(void **state)
{
	struct fixture *t = *state;
	FILE *f;

	fill(t, 10);
	f = fopen(t->path, "w");
	assert_non_null(f);
	for (int i = 0; i < 20000; i++)
		(void)fputc(i * 7, f);
	(void)fclose(f);
	assert_int_equal(left_after(t, 10), 0);
}

static void cut_off(void **state)
{
	struct fixture *t = *state;

	fill(t, 2000);
	assert_int_equal(truncate(t->path, size_of(t->path) / 2), 0);
	(void)left_after(t, 2000);
}

/* The page at which LMDB's table of free pages begins, by the newest of the two
 * meta pages: its root, and the number of the transaction. */
static off_t free_root(int fd)
{
	uint64_t root[2], txn[2];

	for (int i = 0; i < 2; i++) {
		assert_int_equal(pread(fd, &root[i], 8, i * 4096 + 80), 8);
		assert_int_equal(pread(fd, &txn[i], 8, i * 4096 + 144), 8);
	}
	return (off_t)root[txn[1] > txn[0]] * 4096;
}

/* Writing, whether LMDB gives up or aborts. */
static void write_once(const struct fixture *from)
{
	struct fixture copy = *from, *t = &copy;
	struct rlimit none = {};

	(void)setrlimit(RLIMIT_CORE, &none);
	assert_non_null(freopen("/dev/null", "w", stderr));
	if (policy_cache_open(t->path, &t->opt, &t->c, &t->e) != ST_OK)
		_exit(1);
	policy_cache_start(t->c, &t->fd);
	put(t, "late.example");
	policy_cache_flush(t->c);
	_exit(2);
}

/* Nothing that is read is damaged; it shows when something is written, and is
 * mended by the next start instead of ending that one too. */
static void free_pages_are_damaged(void **state)
{
	const uint16_t empty_branch[] = { 1, 16, 16 };
	struct fixture *t = *state;
	int fd, status;
	pid_t pid;

	for (int i = 0; i < 3; i++) {
		fill(t, 300);
		OK(policy_cache_open(t->path, &t->opt, &t->c, &t->e));
		policy_cache_start(t->c, &t->fd);
	}
	policy_cache_close(&t->c);
	fd = open(t->path, O_RDWR);
	assert_int_equal(pwrite(fd, empty_branch, sizeof(empty_branch),
				 free_root(fd) + 10),
		sizeof(empty_branch));
	(void)close(fd);
	pid = fork();
	if (pid == 0)
		write_once(t);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_int_equal(left_after(t, 300), 300);
}

/* An empty file is what an interrupted first start leaves. */
static void empty(void **state)
{
	struct policy_cache_stats stats;
	struct fixture *t = *state;

	policy_cache_close(&t->c);
	assert_int_equal(truncate(t->path, 0), 0);
	OK(policy_cache_open(t->path, &t->opt, &t->c, &t->e));
	policy_cache_stats(t->c, &stats);
	assert_false(stats.was_damaged);
}

static void one_process_only(void **state)
{
	struct policy_cache *second = NULL;
	struct fixture *t = *state;

	assert_int_equal(
		policy_cache_open(t->path, &t->opt, &second, &t->e), ST_AGAIN);
	assert_null(second);
}

/* Restarts leave no descriptor and no lock behind. */
static void many_restarts(void **state)
{
	struct fixture *t = *state;
	int before, after;

	before = dup(0);
	(void)close(before);
	for (int i = 0; i < 100; i++)
		fixture_reopen(t);
	after = dup(0);
	(void)close(after);
	assert_int_equal(before, after);
}

#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(kill_loses_nothing),
		TEST(full_file),
		TEST(failing_disk),
		TEST(one_bit),
		TEST(garbage),
		TEST(cut_off),
		TEST(free_pages_are_damaged),
		TEST(empty),
		TEST(one_process_only),
		TEST(many_restarts),
	};

	srand((unsigned)getpid());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
