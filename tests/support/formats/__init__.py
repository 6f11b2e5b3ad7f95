"""What banks may send and what leaves the broker, declared with marshmallow: the readers and writers are held against it."""
