/* SPDX-License-Identifier: Apache-2.0 */
/* fd: file descriptors; a descriptor field that holds none is -1. */
#pragma once

#include "base/err.h"
#include "base/status.h"

/* Closes *fd unless it is -1 and sets it to -1. errno is kept. */
void fd_close(int *fd);

/* Sets O_NONBLOCK. ST_TEMP when fd is not open. */
enum status fd_nonblocking(int fd, struct err *e);

/* Sets FD_CLOEXEC, for descriptors that were handed in. */
enum status fd_cloexec(int fd, struct err *e);

/*
 * Raises the soft limit of open files to the hard one and returns it. Caps on
 * connections are held against it.
 */
unsigned long fd_limit_raise(void);
