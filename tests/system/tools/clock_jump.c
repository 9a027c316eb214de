/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock_jump: put before a program (LD_PRELOAD), it sets the monotonic clocks
 * ahead by what stands in the file MOAT_TEST_CLOCK: a number of seconds in
 * eight bytes, which may grow while the program runs. What waits a day is
 * tested in a moment. UTC stays as it is.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/poison.h"

static const volatile int64_t *ahead_s;

/* Mapped here, where nothing is forbidden yet. */
__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("MOAT_TEST_CLOCK");
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	void *p;

	if (fd < 0)
		return;
	p = mmap(NULL, sizeof(*ahead_s), PROT_READ, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (p != MAP_FAILED)
		ahead_s = p;
}

int clock_gettime(clockid_t id, struct timespec *out)
{
	long rc = syscall(SYS_clock_gettime, id, out);

	if (rc == 0 && ahead_s != NULL &&
		(id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_RAW ||
			id == CLOCK_MONOTONIC_COARSE || id == CLOCK_BOOTTIME))
		out->tv_sec += *ahead_s;
	return (int)rc;
}
