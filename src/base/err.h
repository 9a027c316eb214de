/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err: the one sentence that goes with a status other than ST_OK.
 *
 * It is set once, by the place that knows, says where, why and what to do, and
 * cites the RFC section. The CLI, the API and the logs show it as it is.
 */
#pragma once

#include "base/status.h"

#define ERR_TEXT_MAX 512

struct err {
	char text[ERR_TEXT_MAX]; /* NUL-terminated; "" while unset */
};

/*
 * Sets the text (cut at ERR_TEXT_MAX) and returns st, so that failing is one
 * line: return err_set(e, ST_INVALID, "line %zu: ...", n). A NULL e is allowed.
 */
enum status err_set(struct err *e, enum status st, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and the text of errno value errnum appended. */
enum status err_sys(struct err *e, enum status st, int errnum, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));

/* Puts "prefix: " before a text already set, to say where it happened. */
void err_prefix(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
