/* SPDX-License-Identifier: Apache-2.0 */
/* privileges: what root gives up before it touches what strangers send. */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "base/status.h"

/* ST_NOTFOUND: there is no such user. */
enum status privileges_find(
	const char *user, uid_t *uid, gid_t *gid, struct err *e);

/*
 * Becomes user for good if the process is root, otherwise nothing. Also: no
 * core dumps, not traceable, killed when the parent dies. parent is the pid
 * it must not outlive; 0: none.
 */
enum status privileges_drop(const char *user, pid_t parent, struct err *e);

/*
 * Gives root's file or folder to uid and gid; what is another's, has a second
 * name, or is a symbolic link is left alone.
 */
enum status privileges_give(
	const char *path, uid_t uid, gid_t gid, struct err *e);

/*
 * Makes the folder, and those above it, if it is missing, with that mode;
 * what is made, or was root's, belongs to uid and gid unless uid is (uid_t)-1.
 */
enum status privileges_make_dir(
	const char *path, mode_t mode, uid_t uid, gid_t gid, struct err *e);
