/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest_later: files of spool/new that the disk would not give or move. They
 * wait by themselves, a minute at first and then up to an hour, so that the
 * ones behind them need not. It lives in memory: a new process tries at once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

#define DIGEST_LATER_MAX 10000u /* files; more than that hold up the rest */
#define DIGEST_LATER_MIN_S 60
#define DIGEST_LATER_MAX_S 3600

struct digest_later;

struct digest_later *digest_later_new(void);
void digest_later_free(struct digest_later **l);

/*
 * The file must wait; logged the first time. False: there are too many, and
 * it does not.
 */
bool digest_later_put(struct digest_later *l, struct str name,
	const struct err *why, struct mono now);
/* The file has left spool/new. */
void digest_later_drop(struct digest_later *l, struct str name);

bool digest_later_waits(
	const struct digest_later *l, struct str name, struct mono now);
/* How long ago it was put off for the first time; 0: it was not. */
int64_t digest_later_since_ms(
	const struct digest_later *l, struct str name, struct mono now);
/* Those that wait, and those that have waited and are to be tried again. */
size_t digest_later_count(const struct digest_later *l);
