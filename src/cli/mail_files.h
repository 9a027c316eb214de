/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_files: the reports or mails that a path stands for: a file is one, a
 * mailbox file (mbox, RFC 4155) has many, and a folder has files, in folders
 * again or as a Maildir, whose tmp is passed over like hidden files and
 * symbolic links.
 */
#pragma once

#include "cli/cli.h"

#define MAIL_FILES_DEPTH_MAX 8

/*
 * One of them; name says where it is from, "a.mbox: message 3". Both live in
 * a. Gives an exit code.
 */
typedef int mail_files_fn(
	void *ctx, struct arena *a, const char *name, struct str raw);

/* Can it be more than one? */
bool mail_files_are_many(const char *path);

/*
 * Calls fn for each, or tells what cannot be read and goes on; the worst exit
 * code. Each has an arena of its own.
 */
int mail_files_each(
	const struct cli *cli, const char *path, mail_files_fn *fn, void *ctx);
