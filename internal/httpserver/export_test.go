package httpserver

// RejectionPause is the shortest time in which a client gets a 429.
const RejectionPause = rejectionPause
