package overview

// Statement exports the statement of an overview.
var Statement = (*Reader).overview
