/* SPDX-License-Identifier: Apache-2.0 */
/* resolv_conf: the name servers in resolv.conf(5), and when it has changed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "io/addr.h"

#define RESOLV_CONF_PATH "/etc/resolv.conf"
#define RESOLV_CONF_BYTES_MAX 65536
#define RESOLV_CONF_SERVERS_MAX 3 /* as libc */

struct resolv_conf {
	const char *path; /* borrowed */
	struct timespec modified;
	ino_t inode;
	off_t bytes;
	struct addr servers[RESOLV_CONF_SERVERS_MAX];
	size_t n_servers;
};

/*
 * Reads the file if it is not the one read last; *changed says whether the
 * servers are others now. Begin with all but path zero. ST_TEMP: it cannot be
 * read, or names no server, as for a moment while it is written: the servers
 * stay those that were known before.
 */
enum status resolv_conf_read(
	struct resolv_conf *c, bool *changed, struct err *e);

/*
 * The folders in which a sandbox has to allow reading, for a file that is
 * replaced by another is a new one: that of path, and that of where it leads
 * to. Each out has PATH_MAX bytes; both may be the same.
 */
void resolv_conf_folders(const char *path, char *out1, char *out2);

/*
 * The nameserver lines of text, at most RESOLV_CONF_SERVERS_MAX; lines that
 * hold no address are passed over. A link-local IPv6 address may have a zone.
 */
size_t resolv_conf_parse(struct str text, struct addr *servers);
