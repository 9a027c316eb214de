/* SPDX-License-Identifier: Apache-2.0 */
#include <malloc.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/mem.h"
#include "base/vec.h"
#include "tests/testing.h"

#include "base/poison.h"

static void the_nth_and_all_after_it_fail(void **state)
{
	void *p;

	(void)state;
	mem_fail_at(2);
	p = mem_alloc(0);
	assert_non_null(p);
	assert_null(mem_alloc(1));
	assert_null(mem_grow(p, 100));
	mem_fail_at(0);
	p = mem_grow(p, 100);
	assert_non_null(p);
	memset(p, 1, 100);
	mem_wipe(p, 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(((char *)p)[i], 0);
	mem_wipe(NULL, 0);
	mem_free(p);
	mem_free(NULL);
}

static void vectors_grow(void **state)
{
	struct arena *a = arena_must(0);
	struct {
		int *items;
		size_t n, cap;
	} v = {};

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_true(VEC_PUSH(a, &v, i));
	for (int i = 0; i < 1000; i++)
		assert_int_equal(v.items[i], i);
	mem_fail_at(1);
	while (v.n < 100000 && VEC_PUSH(a, &v, 0))
		;
	mem_fail_at(0);
	assert_true(v.n < 100000);
	assert_int_equal(v.items[999], 999);
	arena_free(&a);
}

/* BUG ends the process by SIGABRT in every build, and only then. */
static void bugs_abort(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	BUG(0);
	pid = fork();
	if (pid == 0) {
		(void)close(STDERR_FILENO);
		(void)signal(SIGABRT, SIG_DFL);
		BUG(1 + 1 == 2);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* Where a large block was, nothing of the heap stays. */
static void large_blocks_are_given_back(void **state)
{
	size_t n = (size_t)4 << 20, before;
	void *p;

	(void)state;
	mem_large_apart();
	/* The heap would learn from this one. */
	p = mem_must(n);
	mem_free(p);
	before = mallinfo2().hblkhd;
	p = mem_must(n);
	/* Sanitizers have a heap of their own, of which this tells nothing. */
	if (mallinfo2().arena > 0)
		assert_true(mallinfo2().hblkhd >= before + n);
	mem_free(p);
	assert_int_equal(mallinfo2().hblkhd, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nth_and_all_after_it_fail),
		cmocka_unit_test(vectors_grow),
		cmocka_unit_test(bugs_abort),
		cmocka_unit_test(large_blocks_are_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
