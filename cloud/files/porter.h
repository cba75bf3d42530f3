/* The porter: a thread that carries firmware files between the server's own folder and where they are kept
 * for good, one after the other, so that nobody else waits for a network. */
#ifndef TANDEM_CLOUD_PORTER_H
#define TANDEM_CLOUD_PORTER_H

#include <event2/event.h>

#include "cloud/files/files.h"
#include "cloud/workers.h"

struct porter;

enum porter_task {
    PORTER_PUT,   /* the file at path, to be kept under name */
    PORTER_FETCH, /* name into the folder, at path, if it is not there yet */
    PORTER_REMOVE
};

struct porter_job {
    struct work work; /* first: the worker hands it back */
    enum porter_task task;
    char name[FILES_NAME_MAX];
    const char *path; /* the caller's until done */
    /* On the loop. Frees the job. */
    void (*done)(struct porter_job *job, enum files_result result);
    /* The porter's: */
    struct porter *porter;
    enum files_result result;
};

/* Ends the program if the system has no thread to give. files stays the caller's. */
struct porter *porter_start(struct event_base *base, struct files *files);
void porter_post(struct porter *porter, struct porter_job *job);
/* Ends what is under way and fails what waits; every done has been called afterwards. */
void porter_stop(struct porter *porter);

#endif
