#ifndef ALLOCATION_COUNT_H
#define ALLOCATION_COUNT_H

// How often this process has asked for heap memory so far; -1 where that is not known (a C library other than glibc).
long allocation_count(void);

#endif
