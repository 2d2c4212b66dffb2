"""The core as a process of its own, for a program that cannot import it, such as GIMP's plug-in.

The program starts `python -I -m dustbust.helper`, writes requests to its standard input and reads
answers from its standard output. A message is its length in 4 bytes, most significant first, and
JSON in UTF-8 (`messages`). Pixels do not travel in messages: both processes map one file without a
name, the window, and strips of pictures go through it (`window`).

    helper  -> {"hello": "dustbust", "protocol": 2, "version": "0.1.0"}
    program -> {"id": 1, "do": "thumbnail", "with": {"path": "a.jpg"}, "as": null, "drop": []}
    helper  -> {"id": 1, "progress": 0.5, "text": "a.jpg"}
    helper  -> {"id": 1, "result": {"handle": 1, "shape": [160, 240, 3], "dtype": "uint8"}}
    helper  -> {"id": 1, "error": "user", "text": {"template": "{path}: is empty", "words": {...}}}

Objects that are not plain data, such as pictures and masks, stay in the helper. Messages refer to
them by handles, and `drop` lists the handles that the program no longer needs. A request names one
of the functions marked `operation` in `frame_list`, `estimate`, `apply`, `review`, `masks`, `stack`
and `window`. Their annotations give the type and range of each argument. With `as`, the program
chooses the handle of the result of a quick operation, a negative number, and can use it in its next
requests without waiting for the answer. The helper ends when its standard input ends, even in the
middle of a request.
"""
