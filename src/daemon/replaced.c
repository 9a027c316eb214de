/* SPDX-License-Identifier: Apache-2.0 */
/* replaced: opening is what Landlock refuses; stat would not tell. */
#include <errno.h>
#include <fcntl.h>

#include "base/bug.h"
#include "base/log.h"
#include "daemon/replaced.h"
#include "io/fd.h"

#include "base/poison.h"

/* 0, or why it cannot be read. */
static int fault_of(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return errno;
	fd_close(&fd);
	return 0;
}

void replaced_add(struct replaced *r, const char *file)
{
	BUG(r->n == REPLACED_FILES_MAX);
	if (fault_of(file) == 0)
		r->files[r->n++] = file;
}

static void on_timer(void *ctx)
{
	struct replaced *r = ctx;

	loop_timer_start(&r->timer, r->loop, REPLACED_LOOK_MS, on_timer, r);
	for (size_t i = 0; i < r->n; i++) {
		if (fault_of(r->files[i]) != EACCES)
			continue;
		LOG(LOG_INFO, "role.file_replaced", KV_Z("file", r->files[i]),
			KV_Z("what", "the role is started anew to read it"));
		loop_stop(r->loop);
		return;
	}
}

void replaced_start(struct replaced *r, struct loop *loop)
{
	r->loop = loop;
	if (r->n > 0)
		loop_timer_start(
			&r->timer, loop, REPLACED_LOOK_MS, on_timer, r);
}

void replaced_stop(struct replaced *r)
{
	loop_timer_stop(&r->timer);
}
